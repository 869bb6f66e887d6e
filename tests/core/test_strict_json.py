"""What `parse_strict` refuses, and that it never answers anything but a value or a RequestError."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.strict_json.canonical import JsonLimits, parse_strict
from ringfence.errors import RequestError

REFUSED = {
    "nothing": b"",
    "only white space": b" \n",
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without a mark": '{"a":1}'.encode("utf-16-le"),
    "an invalid byte": b'{"a":"\xff"}',
    "an overlong encoding": b'{"a":"\xc0\x80"}',
    "raw surrogate bytes": b'{"a":"\xed\xa0\x80"}',
    "a cut-off character": b'"\xe2\x82"',
    "an escaped high surrogate": rb'{"a":"\ud800"}',
    "an escaped low surrogate": rb'{"a":"\uDC00"}',
    "surrogates the wrong way round": rb'"\ude00\ud83d"',
    "a surrogate in a key": rb'{"\ud800":1}',
    "a key twice": b'{"a":1,"a":1}',
    "a key twice after unescaping": rb'{"name":1,"n\u0061me":1}',
    "a key twice far down": b'[[{"x":[{"a":1,"b":2,"a":3}]}]]',
    "the empty key twice": b'{"":1,"":1}',
    "NaN": b"[NaN]",
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b"-Infinity",
    "a number that overflows": b"1e400",
    "a negative number that overflows": b"[-1e400]",
    "an integer past 2^53-1": b"9007199254740992",
    "an integer below -(2^53-1)": b"-9007199254740992",
    "a long integer": b"1" * 5000,
    "an integer past 2^53-1 written as a fraction": b"9007199254740992.0",
    "an integer past 2^53-1 written with an exponent": b"1e20",
    "an escaped NUL": rb'{"a":"\u0000"}',
    "an escaped NUL in a key": rb'{"name\u0000":1}',
    "a raw NUL": b'"\x00"',
    "a raw control character": b'"\n"',
    "trailing bytes": b"{} {}",
    "a trailing NUL": b"{}\x00",
    "a trailing comma": b"[1,]",
    "a comment": b"{} // no",
    "single quotes": b"{'a':1}",
    "a leading zero": b"01",
    "a plus sign": b"+1",
    "a bare fraction": b".5",
    "a hanging fraction": b"1.",
    "foreign digits": "[١]".encode(),
    "foreign white space": "[1,\u00a02]".encode(),
    "an unknown escape": rb'"\x41"',
    "a short escape": rb'"\u12"',
    "a signed escape": rb'"\u+041"',
    "an unclosed string": b'"abc',
    "an unclosed object": b'{"a":1',
    "a key without quotes": b"{a:1}",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.attack("A15")
def test_what_two_parsers_could_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError):
        parse_strict(data)


ACCEPTED: dict[bytes, Any] = {
    b" {} \r\n\t": {},
    b'{"a":[1,-0,0.5,1e3,1E-2,true,false,null,""]}': {"a": [1, 0, 0.5, 1000.0, 0.01, True, False, None, ""]},
    b"[9007199254740991,-9007199254740991]": [2**53 - 1, -(2**53 - 1)],
    b"[6.02e23,1e-400]": [6.02e23, 0.0],
    rb'"\ud83d\ude00\u00e9\\u0000\\ud800"': "😀é\\u0000\\ud800",
    b'{"Name":1,"name":2}': {"Name": 1, "name": 2},
    b'"[[[[{{{{::::"': "[[[[{{{{::::",
    b'"top"': "top",
}


@pytest.mark.parametrize(("data", "value"), ACCEPTED.items())
def test_strict_json_is_read_as_it_stands(data: bytes, value: Any) -> None:
    assert parse_strict(data) == value


def test_the_kind_and_sign_of_a_number_are_kept() -> None:
    one, fraction, zero, negative = parse_strict(b"[1,1.0,0,-0.0]")
    assert [type(one), type(fraction), type(zero), type(negative)] == [int, float, int, float]
    assert str(negative) == "-0.0"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"k":', b"}"), (b'[{"k":', b"}]")])
def test_nesting_is_accepted_to_the_limit_and_refused_past_it(opening: bytes, closing: bytes) -> None:
    levels = 64 // (opening.count(b"[") + opening.count(b"{"))
    assert parse_strict(opening * levels + b"1" + closing * levels)
    with pytest.raises(RequestError):
        parse_strict(opening * levels + b"[1]" + closing * levels)
    with pytest.raises(RequestError):
        parse_strict(opening * levels + b"[]" + closing * levels)


def test_brackets_side_by_side_or_inside_strings_are_no_nesting() -> None:
    wide = [["[[[["], {"a": "{{{{"}] * 500
    assert parse_strict(json.dumps(wide).encode()) == wide


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b"[" * 900 + b"]" * 900])
def test_deep_nesting_is_refused_and_does_not_exhaust_the_stack(data: bytes) -> None:
    with pytest.raises(RequestError):
        parse_strict(data)


def test_the_number_of_keys_is_limited_over_all_objects() -> None:
    most = [{"a": 1, "b": 2}] * 5000
    assert parse_strict(json.dumps(most).encode()) == most
    with pytest.raises(RequestError):
        parse_strict(json.dumps([*most, {"c": 3}]).encode())
    assert parse_strict(json.dumps("::" * 10_000).encode())
    flat = {str(number): number for number in range(10_001)}
    with pytest.raises(RequestError):
        parse_strict(json.dumps(flat).encode())
    del flat["0"]
    assert parse_strict(json.dumps(flat).encode()) == flat


def test_strings_and_keys_are_limited_in_utf_8_bytes() -> None:
    limits = JsonLimits(string_bytes=8)
    for text in ("12345678", "éééé", "😀😀"):
        assert parse_strict(json.dumps(text).encode(), limits) == text
        assert parse_strict(json.dumps({text: 1}).encode(), limits) == {text: 1}
        for longer in (f"{text}x", f"x{text}"):
            with pytest.raises(RequestError):
                parse_strict(json.dumps(longer).encode(), limits)
            with pytest.raises(RequestError):
                parse_strict(json.dumps([{longer: 1}], ensure_ascii=False).encode(), limits)
    with pytest.raises(RequestError):
        parse_strict(b'"' + b"x" * ((1 << 20) + 1) + b'"')


def test_nul_may_be_allowed_and_lone_surrogates_may_not() -> None:
    assert parse_strict(rb'["\u0000"]', JsonLimits(nul=True)) == ["\0"]
    with pytest.raises(RequestError):
        parse_strict(rb'["\ud800"]', JsonLimits(nul=True))


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_arbitrary_bytes_give_a_value_or_a_request_error(data: bytes) -> None:
    try:
        value = parse_strict(data)
    except RequestError:
        return
    assert value == json.loads(data)


TOKENS = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        '"a"',
        '"b"',
        r'"\ud83d"',
        r'"\u0000"',
        "1",
        "-0",
        "1e999",
        "NaN",
        "9007199254740992",
        "null",
        " ",
    ]
)


@given(st.lists(TOKENS, max_size=40).map("".join))
def test_any_order_of_tokens_gives_a_value_or_a_request_error(text: str) -> None:
    try:
        value = parse_strict(text.encode())
    except RequestError:
        return
    assert value == json.loads(text)


LOOSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner)
    ),
    max_leaves=30,
)


@given(LOOSE, st.booleans())
def test_ordinary_json_is_read_whatever_way_it_is_escaped(value: Any, ascii_only: bool) -> None:
    assert parse_strict(json.dumps(value, ensure_ascii=ascii_only, indent=1).encode()) == value


@pytest.mark.parametrize(
    ("form", "of_one"),
    [
        ("[{}]", "1"),
        ("[{}]", '"a"'),
        ("[{}]", "[]"),
        ("[{}]", '{"k":"v"}'),
        ('{{"k": [{}]}}', '",[{"'),
        ("[{}]", '"\\\\"'),
    ],
)
def test_a_text_with_too_many_values_is_refused_before_it_is_parsed(form: str, of_one: str) -> None:
    limits = JsonLimits(keys=1000, values=100)
    many = form.format(", ".join([of_one] * 101)).encode()
    with pytest.raises(RequestError, match="more than 100 values"):
        parse_strict(many, limits)


@pytest.mark.parametrize("text", [",[{" * 100, '\\",' * 100, '"' * 300])
def test_what_stands_in_strings_is_no_value(text: str) -> None:
    value = {"k": [text] * 20, "l": [1] * 70}
    assert parse_strict(json.dumps(value).encode(), JsonLimits(values=100)) == value
