"""No text makes the search for hosts do more than in proportion to its size. Counted, not timed."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from ringfence.core.flow.web.outside import names_outside

OWN = ("corp.example", "*.corp.example")
UNITS = [
    "http://corp.example ", "http://a.example ", "a@corp.example ", "x.corp.example ", "a.", "a-", "%25", "\\u0068", "\\",
    "&amp;", "![[", "![x](",
    "[x]: ", "//", "a@", "http:", "://", "\u00e9.", "\uff45.", "\u8acbcorp.example ", "1.2.3.4:", "\u200b", "&#x2F;",
    '<img src="http://corp.example ', "\n[a]: https://corp.example", "x1.zzz ", "foo.bar/", "https:\\u0061", "a\u0301",
]  # fmt: skip


def calls_in(work: Callable[[], object]) -> int:
    """Calls of Python and of C that it makes."""
    count = 0

    def on_event(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(on_event)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", UNITS)
def test_four_times_the_text_makes_at_most_about_four_times_the_calls(unit: str) -> None:
    names_outside({"warm": unit * 9}, OWN)
    small, large = (unit * (size // len(unit)) for size in (8 << 10, 32 << 10))
    few, many = (calls_in(lambda text=text: names_outside({"text": text}, OWN)) for text in (small, large))
    assert many <= 4.4 * few + 200


@pytest.mark.parametrize("unit", UNITS)
def test_texts_made_to_be_dear_are_read_to_the_end(unit: str) -> None:
    """A pattern that backtracks would not come back from some of these."""
    text = unit * (200_000 // len(unit)) + " last.attacker.example"
    found = {outside.host for outside in names_outside({"text": text}, OWN)}
    assert "last.attacker.example" in found
