"""A test build of the gateway that masks none of its own secrets: what the search for leaks has to find everything in.

    python -m ringfence.testing.unscrubbed up --config FILE --state DIR --port 0 --unsafe-same-user

The product has no switch for this: `run_gateway` is given a redactor that never learns, here and nowhere else.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable
from pathlib import Path

from ringfence.app.wiring.compose import run_gateway
from ringfence.core.scan.redactor import Redactor


class Deaf(Redactor):
    """Learns nothing, so it masks nothing."""

    def learn(self, secret: str) -> None:
        pass

    def learn_minted(self, secret: str) -> None:
        pass

    def learn_lasting(self, secrets: Iterable[str]) -> None:
        pass


def main() -> None:
    """`up`, and nothing else."""
    parser = argparse.ArgumentParser(prog="ringfence.testing.unscrubbed")
    up = parser.add_subparsers(required=True).add_parser("up")
    up.add_argument("--config", required=True, type=Path)
    up.add_argument("--state", required=True, type=Path)
    up.add_argument("--port", type=int, default=0)
    up.add_argument("--unsafe-same-user", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    sys.exit(
        run_gateway(
            options.config, options.state, port=options.port, unsafe_same_user=options.unsafe_same_user, redactor=Deaf()
        )
    )


if __name__ == "__main__":
    main()
