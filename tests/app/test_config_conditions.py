"""The little language of `if:`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.config.conditions import ConditionFault, parse_conditions
from ringfence.core.model.condition import Condition, Operation, holds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount <= 20", [Condition("/amount", Operation.LE, 20)]),
        ("  amount<-1.5e2  ", [Condition("/amount", Operation.LT, -150.0)]),
        ("/a~1b/c == 'it is'", [Condition("/a~1b/c", Operation.EQ, "it is")]),
        ("dry_run == true", [Condition("/dry_run", Operation.EQ, True)]),
        ("mode in ['a', 1, false]", [Condition("/mode", Operation.IN, ("a", 1, False))]),
        ("a != '' and b >= 0", [Condition("/a", Operation.NE, ""), Condition("/b", Operation.GE, 0)]),
    ],
)
def test_conditions_are_read(text: str, expected: list[Condition]) -> None:
    assert list(parse_conditions(text)) == expected


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "expected an argument's name or a JSON pointer, found the end"),
        ("amount", 6, "expected one of == != <= < >= > in, found the end"),
        ("amount = 3", 7, "unexpected `=`"),
        ("amount < 'x'", 9, "`<` compares numbers"),
        ("amount < true", 9, "`<` compares numbers"),
        ("amount <= 020", 10, "expected a number, 'text', true or false, found `020`"),
        ("amount <= 1_000", 10, "expected a number, 'text', true or false, found `1_000`"),
        ("amount <= 1e999", 10, "expected a number, 'text', true or false, found `1e999`"),
        ("a == 'x", 5, "unexpected text without its closing quote"),
        ('a == "x"', 5, 'unexpected `"`'),
        ("a == b", 5, "expected a number, 'text', true or false, found `b`"),
        ("a == null", 5, "expected a number, 'text', true or false, found `null`"),
        ("a in 'x'", 5, "expected a list such as ['a', 'b'], found `'x'`"),
        ("a in []", 6, "expected a number, 'text', true or false, found `]`"),
        ("a in ['x'", 9, "expected `,` or `]`, found the end"),
        ("a == ['x']", 5, "expected a number, 'text', true or false, found `[`"),
        ("a == 1 or b == 2", 7, "expected `and` or the end, found `or`"),
        ("not a == 1", 0, "expected an argument's name or a JSON pointer, found `not`"),
        ("a == 1 and", 10, "expected an argument's name or a JSON pointer, found the end"),
        ("/a~2 == 1", 0, "expected an argument's name or a JSON pointer, found `/a~2`"),
        ("3 < a", 0, "expected an argument's name or a JSON pointer, found `3`"),
        ("(a == 1)", 0, "unexpected `(`"),
    ],
)
def test_anything_else_is_an_error_with_its_column(text: str, offset: int, message: str) -> None:
    with pytest.raises(ConditionFault) as caught:
        parse_conditions(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    offset = len(text)
    try:
        conditions = parse_conditions(text)
    except ConditionFault as fault:
        conditions, offset = (), fault.offset
    assert 0 <= offset <= len(text)
    assert all(condition.pointer.startswith("/") for condition in conditions)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_a_comparison_means_what_it_says(value: int, bound: int) -> None:
    [condition] = parse_conditions(f"amount <= {bound}")
    assert holds(condition, {"amount": value}) is (value <= bound)
    assert not holds(condition, {})
    assert not holds(condition, {"amount": str(value)})
