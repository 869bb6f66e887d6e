"""Starting does without what it seldom needs: everybody who starts something waits for its imports."""

import subprocess
import sys

import pytest

CONNECT = "ringfence.app.cli.root, ringfence.app.bridge.bridge, ringfence.app.bridge.stdio"
UP = "ringfence.app.cli.root, ringfence.app.wiring.compose"


@pytest.mark.parametrize("modules", [CONNECT, UP], ids=["ringfence connect", "ringfence up"])
def test_it_starts_without_the_official_sdk(modules: str) -> None:
    """Importing any part of it builds its client, its server and the models of every message."""
    script = f"import sys, {modules}; print({{'mcp', 'mcp_types', 'pydantic'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
