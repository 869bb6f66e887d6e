"""A smaller `max_tokens` changes one number of a body and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.metering.request import ModelRequest, read_request
from ringfence.core.metering.shrinking import with_max_tokens
from ringfence.errors import RequestError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.just("max_tokens"), inner, max_size=3),
    max_leaves=9,
)
KEYS = st.sampled_from(["system", "x", "max_token", '"max_tokens":1', "é", ""])


COUNTS = st.integers(0, 10**6)


@given(
    st.dictionaries(KEYS, JSON, max_size=4), st.dictionaries(KEYS, JSON, max_size=2), COUNTS, COUNTS,
    st.sampled_from([None, 1, "\t"]), st.booleans(),
)  # fmt: skip
def test_one_number_changes_and_every_other_byte_stays(
    before: dict[str, Any], after: dict[str, Any], old: int, new: int, indent: Any, escaped: bool
):
    value = {**before, "max_tokens": old, **{key: each for key, each in after.items() if key not in before}}
    data = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    found = with_max_tokens(data, new)
    assert json.loads(found) == value | {"max_tokens": new}
    assert with_max_tokens(found, old) == data


def test_a_key_that_is_written_with_escapes_is_found_too():
    data = (
        b' { "a" : [ {"max_tokens": 5} , "}" ] , "max\\u005ftokens" : 100 , "model" : "m", "big": 12345678901234567890.50 }\n'
    )
    found = with_max_tokens(data, 7)
    assert found == data.replace(b"100", b"7")
    read = read_request(found)
    assert isinstance(read, ModelRequest)
    assert read.max_tokens == 7


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"a":1}', b'{"max_tokens"', b'{"a" 1}', b"\xff", b'{"a":' + b"[" * 100_000]
)
def test_what_has_no_such_number_is_refused(data: bytes):
    with pytest.raises(RequestError):
        with_max_tokens(data, 1)
