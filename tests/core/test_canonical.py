"""RFC 8785: vectors of its text and appendix B, and the properties that everything above relies on."""

import json
import struct
from collections import OrderedDict
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.strict_json.canonical import JsonLimits, canonical_bytes, digest_of, parse_strict
from ringfence.core.strict_json.json_writer import MAX_INTEGER, number_text, write
from ringfence.errors import RequestError

APPENDIX_B = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}
NOT_FINITE = ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"]

DEEP = JsonLimits(depth=1000, keys=10**6, nul=True)
SAFE_FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) <= MAX_INTEGER or abs(x) >= 1e21)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | SAFE_FLOATS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS | st.floats(-1e7, 1e7),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner, max_size=4),
    max_leaves=20,
)


def double(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])


def written(value: Any) -> bytes:
    parts: list[str] = []
    write(value, parts)
    return "".join(parts).encode()


@pytest.mark.parametrize(("bits", "text"), APPENDIX_B.items())
def test_numbers_are_written_as_rfc_8785_appendix_b_says(bits: str, text: str) -> None:
    assert number_text(double(bits)) == text


@pytest.mark.parametrize("bits", NOT_FINITE)
def test_numbers_that_are_not_finite_are_refused(bits: str) -> None:
    with pytest.raises(RequestError):
        number_text(double(bits))
    with pytest.raises(RequestError):
        canonical_bytes({"x": [double(bits)]})


def test_the_sample_of_rfc_8785_section_3_2_2_comes_out_as_printed_there() -> None:
    sample = rb"""{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"""
    expected = (
        r'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        + r'"string":"€$\u000f\nA'
        + "'"
        + r'B\"\\\\\"/"}'
    )
    assert canonical_bytes(parse_strict(sample)).decode() == expected


def test_keys_are_sorted_by_utf_16_code_units_as_rfc_8785_section_3_2_3_shows() -> None:
    sample = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(canonical_bytes(sample)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_only_what_must_be_escaped_is_escaped() -> None:
    every = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028é😀'
    expected = "".join({8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}.get(c, f"\\u{c:04x}") for c in range(0x20))
    assert canonical_bytes(every).decode() == f'"{expected}\\"\\\\/\x7f\u2028é😀"'
    assert canonical_bytes({every: 1}).decode() == f'{{"{expected}\\"\\\\/\x7f\u2028é😀":1}}'


@given(VALUES)
def test_what_is_written_is_read_back_and_written_the_same_again(value: Any) -> None:
    text = canonical_bytes(value)
    again = parse_strict(text, DEEP)
    assert again == value
    assert canonical_bytes(again) == text


@given(PLAIN | VALUES)
def test_the_fast_encoder_agrees_with_the_reference(value: Any) -> None:
    assert canonical_bytes(value) == written(value)


def test_fractions_and_whole_doubles_of_every_size_are_written_alike_on_both_ways() -> None:
    # Encoders differ on `1.0`, on where an exponent begins, and on its sign.
    for exponent in range(-12, 15):
        for digits in ("1", "1.5", "-9.99", "1.234567"):
            number = float(f"{digits}e{exponent}")
            assert canonical_bytes([number]) == written([number]) == f"[{number_text(number)}]".encode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_text_reads_back_as_the_same_double_in_an_ecmascript_layout(number: float) -> None:
    text = number_text(number)
    assert float(text) == number
    mantissa, _, exponent = text.partition("e")
    assert not exponent or (exponent[0] in "+-" and not exponent[1:].startswith("0"))
    assert not ("." in mantissa and mantissa.endswith("0"))
    assert len(mantissa.lstrip("-").replace(".", "").strip("0")) <= 17


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_change_the_digest(value: Any, random: Any) -> None:
    def shuffled(item: Any) -> Any:
        if isinstance(item, dict):
            pairs = [(key, shuffled(inner)) for key, inner in item.items()]
            random.shuffle(pairs)
            return dict(pairs)
        return [shuffled(inner) for inner in item] if isinstance(item, list) else item

    assert digest_of(shuffled(value)) == digest_of(value)


def test_a_digest_is_lower_case_hex_sha_256_over_the_canonical_bytes() -> None:
    assert digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


class Colour(StrEnum):
    RED = "red"


def test_tuples_mappings_and_string_enumerations_are_written_as_the_json_that_they_hold() -> None:
    value = MappingProxyType({"b": (1, 2.5), "a": OrderedDict(k=Colour.RED), Colour.RED: True})
    assert canonical_bytes(value) == b'{"a":{"k":"red"},"b":[1,2.5],"red":true}'


@pytest.mark.parametrize(
    "value",
    [
        {1: "a"},
        {None: 1},
        {"a": object()},
        b"bytes",
        {1, 2},
        2**53,
        -(2**53),
        float(2**53),
        1e20,
        "\ud800",
        {"\udfff": 1},
        {"a\ud800": 1, "b": 2.5},
        ["\ud83d"],
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_say_exactly_is_refused(value: Any) -> None:
    with pytest.raises(RequestError):
        canonical_bytes(value)


def test_a_value_inside_itself_or_nested_without_end_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    for value in (loop, deep, {"é": deep}, {"é": loop}):
        with pytest.raises(RequestError):
            canonical_bytes(value)
