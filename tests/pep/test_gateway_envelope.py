"""Headers and envelope of a modern request: refused where the official SDK's ladder refuses them, with the same code."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request
from tests import effort

from ringfence.adapters.pep.mcp_gateway.envelope import envelope_fault
from ringfence.adapters.wire.mcp import MODERN_VERSION, modern_meta
from ringfence.adapters.wire.mcp_names import (
    CLIENT_CAPABILITIES_META_KEY,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    PROTOCOL_VERSION_META_KEY,
)

METHODS = st.sampled_from(["tools/call", "prompts/get", "resources/read", "tools/list"])
VALUES = st.sampled_from(["a", "ä", "=?base64?w6Q=?=", "", None, 7, MODERN_VERSION])
METAS = (
    st.just(modern_meta())
    | st.dictionaries(st.sampled_from([PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY]), VALUES | st.just({}))
    | st.none()
    | st.just([])
)
PARAMS = st.fixed_dictionaries({}, optional={"_meta": METAS, "name": VALUES, "uri": VALUES})
TEXTS = st.sampled_from(["a", "=?base64?w6Q=?=", "=?base64?w6R=?=", "=?base64?QQ==?=", "", "tools/call", "tools/list"])
HEADERS = st.fixed_dictionaries(
    {MCP_PROTOCOL_VERSION_HEADER: st.just(MODERN_VERSION)}, optional={MCP_METHOD_HEADER: METHODS, MCP_NAME_HEADER: TEXTS}
)


@settings(max_examples=effort.examples(1500), deadline=None)
@given(METHODS, PARAMS, HEADERS, st.booleans())
@example("tools/call", {"_meta": modern_meta(), "name": "ä"}, {MCP_NAME_HEADER: "=?base64?w6Q=?="}, True)
def test_what_the_official_ladder_refuses_is_refused_with_its_code(
    method: str, params: dict[str, Any], headers: dict[str, str], is_routed: bool
) -> None:
    if is_routed:
        headers = {MCP_PROTOCOL_VERSION_HEADER: MODERN_VERSION, **headers, MCP_METHOD_HEADER: method}
    theirs = classify_inbound_request({"method": method, "params": params}, headers=headers)
    found = envelope_fault(method, params, headers)
    if isinstance(theirs, InboundLadderRejection):
        assert found is not None
        assert found[0] == theirs.code
    elif found is not None:
        # What the ladder lets pass and this gateway does not.
        odd_name = MCP_NAME_HEADER in headers and (
            method == "tools/list" or ("uri" if "read" in method else "name") not in params
        )
        assert found[0] == (INVALID_PARAMS if not isinstance(theirs.client_capabilities, dict) else HEADER_MISMATCH)
        assert odd_name or not isinstance(theirs.client_capabilities, dict)
