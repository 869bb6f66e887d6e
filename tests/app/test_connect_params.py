"""What the bridge says once more in headers, and that it starts without what it seldom needs."""

import subprocess
import sys
from typing import Any

import pytest

from ringfence.app.bridge.params import param_header_map, param_headers

REGION = {"type": "string", "x-mcp-header": "Region"}
NESTED = {"type": "object", "properties": {"at": {"type": "object", "properties": {"region": REGION}}}}


def test_an_argument_travels_in_the_header_that_the_schema_names() -> None:
    found = param_header_map(NESTED)
    assert found == {("at", "region"): "Region"}
    assert param_headers(found, {"at": {"region": "eu-north"}}) == {"Mcp-Param-Region": "eu-north"}
    assert param_headers(found, {"at": {}}) == {}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "object", "properties": {"region": {"type": "string"}}},
        {"type": "object", "properties": {"region": {**REGION, "type": "number"}}},
        {"type": "object", "properties": {"region": {**REGION, "x-mcp-header": "two words"}}},
        {"type": "object", "properties": {"regions": {"type": "array", "items": REGION}}},
    ],
    ids=["no schema", "no header", "a number", "no token", "in a list"],
)
def test_a_schema_that_asks_for_no_header_or_wrongly_yields_none(schema: Any) -> None:
    assert param_header_map(schema) == {}


def test_the_bridge_starts_without_the_official_sdk() -> None:
    """Its import takes longer than everything else that a client waits for before it hears of its tools."""
    imported = "ringfence.app.cli.root, ringfence.app.bridge.bridge, ringfence.app.bridge.stdio"
    script = f"import sys, {imported}; print({{'mcp', 'mcp_types'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
