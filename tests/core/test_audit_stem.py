"""What is left of an entry when its body is dropped gives the same hash, and nothing else does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.audit.stem import BODY_DIGEST, entry_hash, has_body, stem_of, stem_of_value
from ringfence.core.audit.tree import leaf_hash
from ringfence.core.model.identifiers import AgentId
from ringfence.core.records.entry import Entry, EntryKind

HOSTILE = st.one_of(
    st.text(max_size=20), st.sampled_from([',"body":', ',"by":"x",', '\\",\\"by\\":', ',"salt":"', '"v":2}', "}"])
)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | HOSTILE,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(HOSTILE | st.sampled_from(["body", "by", "salt", "v"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def encodes(text: str) -> bool:
    return all(not 0xD800 <= ord(character) < 0xE000 for character in text)


@st.composite
def leaves(draw: st.DrawFn) -> bytes:
    entry = Entry(
        kind=EntryKind.DECISION,
        at=draw(st.integers(0, 10)),
        summary=draw(HOSTILE),
        agent=AgentId(draw(HOSTILE)),
        by=draw(HOSTILE),
        body={"x": draw(BODIES), **draw(st.dictionaries(HOSTILE, BODIES, max_size=2))},
    )
    return entry.leaf(draw(st.integers(0, 10)), draw(st.sampled_from(["", "00ff" * 8])))


@pytest.mark.requirement("I12")
@given(leaves())
def test_cutting_and_parsing_find_the_same_stem(leaf: bytes) -> None:
    stem = stem_of(leaf)
    value: dict[str, Any] = json.loads(leaf)
    assert stem == stem_of_value(value)
    assert stem == stem_of(stem) == stem_of_value(json.loads(stem))
    assert has_body(leaf)
    assert not has_body(stem)
    left: dict[str, Any] = json.loads(stem)
    assert {name: left[name] for name in left if name != BODY_DIGEST} == {
        name: value[name] for name in value if name not in ("body", "salt")
    }


def an_entry(body: dict[str, Any]) -> Entry:
    return Entry(kind=EntryKind.DECISION, at=1, summary="s", body=body)


@pytest.mark.requirement("I12")
def test_another_body_or_another_salt_gives_another_hash() -> None:
    hashes = {
        entry_hash(an_entry(body).leaf(3, salt))
        for body in ({}, {"a": 1}, {"a": 2}, {"salt": "aa"})
        for salt in ("", "aa", "ab")
    }
    assert len(hashes) == 12


def test_a_stem_says_nothing_of_the_body_that_a_guess_could_confirm() -> None:
    one, other = (stem_of(an_entry({"amount": 5}).leaf(0, salt)) for salt in ("11" * 16, "22" * 16))
    assert json.loads(one)[BODY_DIGEST] != json.loads(other)[BODY_DIGEST]
    assert b"salt" not in one


def test_a_leaf_of_an_older_version_is_hashed_as_it_is() -> None:
    old = b'{"agent":null,"at":1,"body":{},"by":"","seq":0,"v":1}'
    assert stem_of(old) == old == stem_of_value(json.loads(old))
    assert entry_hash(old) == leaf_hash(old)
    assert not has_body(old)
