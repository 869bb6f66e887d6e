"""The names of the common endpoint: nothing is lost on the way there and back, and no two things share a name."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint

COMMON = Endpoint(None)
SERVERS = st.from_regex(r"[a-z0-9-]{1,24}", fullmatch=True)
NAMES = st.text(min_size=1, max_size=60) | st.sampled_from(["ringfence:docs:x", "docs__x", "__", ":", "a\nb", "{x}"])


@given(SERVERS, NAMES)
def test_a_uri_comes_back_as_it_was(server: str, uri: str) -> None:
    assert COMMON.own_uri(COMMON.shown_uri(server, uri)) == (server, uri)


@given(SERVERS, NAMES)
def test_a_prompt_name_comes_back_as_it_was(server: str, name: str) -> None:
    assert COMMON.own_prompt(COMMON.shown_prompt(server, name)) == (server, name)


@given(SERVERS, NAMES, SERVERS, NAMES)
def test_no_two_things_share_a_name(one: str, name: str, other: str, another: str) -> None:
    same = (one, name) == (other, another)
    assert (COMMON.shown_uri(one, name) == COMMON.shown_uri(other, another)) == same
    assert (COMMON.shown_prompt(one, name) == COMMON.shown_prompt(other, another)) == same


@given(SERVERS, NAMES)
def test_a_servers_own_endpoint_changes_nothing(server: str, name: str) -> None:
    own = Endpoint(server)
    assert own.shown_uri(server, name) == own.shown_prompt(server, name) == name
    assert own.own_uri(name) == own.own_prompt(name) == (server, name)


@given(st.text(max_size=60))
def test_what_was_never_shown_has_no_server_or_is_shown_the_same_again(text: str) -> None:
    for back, out in ((COMMON.own_uri, COMMON.shown_uri), (COMMON.own_prompt, COMMON.shown_prompt)):
        found = back(text)
        assert found is None or out(*found) == text
