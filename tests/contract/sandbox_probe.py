"""What the sandbox says of this machine to whoever asks: `python -m tests.contract.sandbox_probe` prints JSON."""

from __future__ import annotations

import asyncio
import json

from tests.contract.sandbox_world import sandbox_world


async def main() -> None:
    with sandbox_world() as world:
        probed = await world.sandbox.probe()
        print(json.dumps({found.layer: [found.standing, found.remedy] for found in probed}))


if __name__ == "__main__":
    asyncio.run(main())
