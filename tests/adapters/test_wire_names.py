"""The names of MCP that are written here once more are the official SDK's."""

from typing import get_args

import mcp.shared.inbound
import mcp.shared.subscriptions
import mcp_types
import mcp_types.methods
import mcp_types.version
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.adapters.wire import mcp_names
from ringfence.adapters.wire.mcp import LEGACY_VERSION, MODERN_VERSION

SDK = {
    **vars(mcp_types),
    **vars(mcp_types.methods),
    **vars(mcp.shared.inbound),
    **vars(mcp.shared.subscriptions),
    "LEGACY_PROTOCOL_VERSIONS": mcp_types.version.HANDSHAKE_PROTOCOL_VERSIONS,
    "LOG_LEVELS": get_args(mcp_types.LoggingLevel),
}
NAMES = [name for name in vars(mcp_names) if name.isupper() and not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_one_of_the_official_sdk(name: str) -> None:
    assert getattr(mcp_names, name) == SDK[name]


def test_the_newest_version_of_each_era_is_the_one_that_the_official_sdk_offers() -> None:
    assert LEGACY_VERSION == mcp_types.version.LATEST_HANDSHAKE_VERSION
    assert MODERN_VERSION == mcp_types.version.LATEST_MODERN_VERSION


@given(st.text() | st.text(alphabet="=?base64 \tA\n"))
@example("=?base64?QQ==?=")
@example("=?base64?\n?=")
@example("plain\n")
@example(" led by a space")
@example("Größe")
def test_a_header_value_is_written_as_the_official_sdk_writes_it(value: str) -> None:
    assert mcp_names.encode_header_value(value) == mcp.shared.inbound.encode_header_value(value)


@given(st.none() | st.text(alphabet="=?base64QRw \n") | st.text(alphabet="QRw64=").map(lambda text: f"=?base64?{text}?="))
@example("=?base64?w6Q=?=")
@example("=?base64?/w==?=")
@example("=?base64?QR==?=")
def test_a_header_value_is_read_as_the_official_sdk_reads_it(value: str | None) -> None:
    assert mcp_names.decode_header_value(value) == mcp.shared.inbound.decode_header_value(value)
