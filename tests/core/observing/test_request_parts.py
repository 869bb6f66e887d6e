"""The quick walk over a request's texts sees what the exact one sees."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.observing.parts import parts_of, texts_in

NAMES = (
    "type", "text", "data", "source", "input", "input_schema", "thinking", "encrypted_content", "authorization_token",
    "content", "of_nobody", "x",
)  # fmt: skip
TEXTS = ("thinking", "redacted_thinking", "base64", "iVBORw0KGgo=", "not {base64}", "text", "short", "longer words", "")
values = st.recursive(
    st.sampled_from(TEXTS) | st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)


@given(values)
def test_both_walks_find_the_same_texts(value: Any) -> None:
    assert texts_in(value) == {part.text for part in parts_of(value)}
