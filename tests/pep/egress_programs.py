"""Programs as a box runs them: with the proxy and a bundle in their environment."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.pep.egress_world import World


async def run(world: World, pem: str, folder: Path, *command: str) -> str:
    """A program with nothing but the proxy and a bundle in its environment. Everything that it says."""
    bundle = folder / "ca.pem"
    bundle.write_text(pem)
    environment = {
        "PATH": os.environ["PATH"],
        "HTTPS_PROXY": f"http://127.0.0.1:{world.port}",
        "https_proxy": f"http://127.0.0.1:{world.port}",
        "SSL_CERT_FILE": str(bundle),
        "CURL_CA_BUNDLE": str(bundle),
        "GIT_SSL_CAINFO": str(bundle),
        "NODE_EXTRA_CA_CERTS": str(bundle),
        "npm_config_cafile": str(bundle),
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(folder),
    }
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return said.decode("utf-8", "replace")


def program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert found is not None, f"{name} is part of the development environment"
    return found
