"""Untrusted text on one line: nothing hides in it, whatever short way is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.explaining.plain_text import hides, plain


@given(st.text(max_size=120) | st.text(st.characters(max_codepoint=127), max_size=120), st.integers(3, 100))
def test_it_is_the_text_with_what_hides_spelled_out_and_cut(text: str, most: int) -> None:
    spelled = "".join(f"<U+{ord(char):04X}>" if hides(char) else char for char in text)
    shown = plain(text, most)
    assert len(shown) <= most
    assert not any(hides(char) for char in shown)
    assert shown == spelled if len(spelled) <= most else shown.endswith("...")


@pytest.mark.parametrize("char", [chr(code) for code in range(32, 127)])
def test_printable_ascii_hides_nothing(char: str) -> None:
    assert plain(char) == char
