"""Secrets in the bytes of a request: which strings are looked at, what is masked, and that nothing else changes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.observing.secrets import MOST_TOLD, Found, Memory, SecretFinder
from ringfence.core.observing.strings import Cut, read_strings, with_cuts
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import ScanError

KEY = "AKIA" + "Q7ZP2MNB4TRD5XKL"
TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
MASKED = "[masked: aws-access-key]"


def finder(*own: str, memory: Memory | None = None) -> SecretFinder:
    redactor = Redactor()
    redactor.learn_lasting(own)
    return SecretFinder(redactor, memory if memory is not None else Memory())


def body(*blocks: Any, **members: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": list(blocks)}], **members}


def masked(value: Any, *own: str) -> Any:
    return json.loads(finder(*own).masked(json.dumps(value).encode()))


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (body(text(KEY)), "/messages/0/content/0/text"),
        (body(system=f"use {KEY}"), "/system"),
        (body(system=[text("first"), text(KEY)]), "/system/1/text"),
        (body({"type": "tool_result", "tool_use_id": "t", "content": f"export K={KEY}"}), "/messages/0/content/0/content"),
        (body({"type": "tool_result", "content": [text(KEY)]}), "/messages/0/content/0/content/0/text"),
        (body({"type": "tool_use", "name": "Bash", "input": {"command": f"echo {KEY}"}}), "/messages/0/content/0/input"),
        (body({"type": "tool_use", "name": "Bash", "input": {"a": [{KEY: 1}]}}), "/messages/0/content/0/input"),
        (body({"type": "tool_use", "input": {"type": "thinking", "thinking": KEY}}), "/messages/0/content/0/input"),
        (body({"type": "thinking", "thinking": "t", "text": KEY}), "/messages/0/content/0/text"),
        ({"type": "thinking", "system": KEY}, "/system"),
        ({"messages": [{"role": "user", "type": "redacted_thinking", "content": KEY}]}, "/messages/0/content"),
        (body({"type": "document", "source": {"type": "text", "data": KEY}}), "/messages/0/content/0/source/data"),
        (body({"type": "image", "source": {"type": "base64", "data": f"{{{KEY}}}"}}), "/messages/0/content/0/source/data"),
        (body(tools=[{"name": "t", "description": KEY, "input_schema": {}}]), "/tools/0/description"),
        (body(tools=[{"name": "t", "input_schema": {"default": KEY}}]), "/tools/0/input_schema"),
        (body(metadata={"user_id": KEY}), "/metadata/user_id"),
        (body({"type": "text", "text": "x", KEY: "y"}), "/messages/0/content/0/*"),
    ],
)
def test_a_credential_is_found_and_masked_wherever_a_text_stands(value: Any, at: str) -> None:
    assert finder().look(value).found == (Found("aws-access-key", at, 1),)
    found = json.dumps(masked(value))
    assert KEY not in found
    assert found.count(MASKED) == 1


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": f"they use {KEY}", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": KEY},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": KEY}},
        {"type": "web_search_tool_result", "content": [{"type": "web_search_result", "encrypted_content": KEY}]},
    ],
)
def test_what_is_signed_encrypted_or_binary_is_neither_read_nor_changed(block: Any) -> None:
    assert finder().look(body(block)).found == ()
    assert masked(body(block, text(KEY)))["messages"][0]["content"] == [block, text(MASKED)]


def test_the_credential_of_a_server_that_the_vendor_connects_to_stays() -> None:
    value = body(mcp_servers=[{"type": "url", "url": "https://x.example", "name": "x", "authorization_token": KEY}])
    assert masked(value) == value


def test_the_gateways_own_secrets_are_masked_in_every_form() -> None:
    assert masked(body(text("the s3cret/value! and cyUzY3JldA")), "s3cret/value!") == body(
        text("the [masked: configured-secret] and cyUzY3JldA")
    )


def test_a_rule_that_the_operator_allows_leaves_the_text_as_it_is() -> None:
    data = json.dumps(body(text(f"{KEY} {TOKEN}"))).encode()
    assert finder().masked(data, but=("aws-access-key",)) == data.replace(TOKEN.encode(), b"[masked: github-token]")
    looked = finder().look(json.loads(data), but=("aws-access-key",))
    assert looked.rules == ("github-token",)


def test_what_is_allowed_hides_nothing_that_begins_within_it() -> None:
    # A token of a bot, of which the gateway knows a part as its own.
    bot = "123456789:" + "AAE" + "bCdEfGhIjKlMnOpQrStUvWxYz01234567"[:32]
    data = json.dumps(body(text(f"bot {bot} end"))).encode()
    assert finder().look(json.loads(data)).rules == ("telegram-token",)
    found = finder("GhIjKlMnOp").masked(data, but=("telegram-token",))
    assert b"GhIjKlMnOp" not in found
    assert b"123456789:AAEbCdEf[masked: configured-secret]" in found


def test_every_other_byte_stays_as_it_was() -> None:
    written = (
        b'{ "model":"m",\t"max_tokens" : 1.50e1,"id":123456789012345678901234567890,\r\n'
        b'"messages":[{"role":"user","content":"caf\\u00e9 \\ud83d\\ude00 \\/ caf\xc3\xa9 \xf0\x9f\x98\x80 \\"K\\"='
        + KEY.encode()
        + b'\\n\\u0041."},'
        b'{"role":"user","content":"\\ud83d half ' + KEY.encode() + b'"}]}'
    )  # fmt: skip
    assert finder().masked(written) == written.replace(KEY.encode(), MASKED.encode())


def test_a_credential_that_is_written_with_escapes_is_masked_too() -> None:
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in KEY)
    written = b'{"messages":[{"role":"user","content":"\\u00e9' + escaped.encode() + b'\\n"}]}'
    assert finder().masked(written) == b'{"messages":[{"role":"user","content":"\\u00e9' + MASKED.encode() + b'\\n"}]}'


def test_numbers_that_no_reader_can_hold_do_not_move_what_is_masked() -> None:
    written = b'{"a":12345678901234567890123,"b":[1e999,"x"],"messages":[{"content":"' + KEY.encode() + b'"}],"c":"y"}'
    assert finder().masked(written) == written.replace(KEY.encode(), MASKED.encode())


def test_a_mask_is_the_same_each_time_and_the_history_is_not_read_again() -> None:
    memory = Memory()
    one, other = finder(memory=memory), finder(memory=memory)
    history = [text("line\n" * 200), text(f"{KEY}\n" + "line\n" * 200)]
    first = one.masked(json.dumps(body(*history)).encode())
    read = other.read
    again = other.masked(json.dumps(body(*history, text("next"))).encode())
    assert json.loads(again)["messages"][0]["content"][:2] == json.loads(first)["messages"][0]["content"]
    assert other.read - read < 100


def test_what_was_clean_is_read_again_when_another_secret_is_known() -> None:
    redactor, memory = Redactor(), Memory()
    looking = SecretFinder(redactor, memory)
    value = body(text("the word is opensesame" + " and so on" * 50))
    assert looking.look(value).found == ()
    redactor.learn("opensesame")
    assert looking.look(value).rules == ("configured-secret",)


def test_a_memory_forgets_the_oldest_and_never_grows_beyond_twice_its_size() -> None:
    memory = Memory(most=10)
    for number in range(1000):
        memory.put(number.to_bytes(2), ())
    assert memory.get((999).to_bytes(2)) == ()
    assert memory.get((0).to_bytes(2)) is None
    assert sum(memory.get(number.to_bytes(2)) is not None for number in range(1000)) <= 20


def test_places_beyond_the_first_ones_are_counted_together() -> None:
    looked = finder().look(body(*(text(f"{number} {KEY}") for number in range(MOST_TOLD + 7))))
    assert len(looked.found) == MOST_TOLD + 1
    assert next(one.count for one in looked.found if one.at == "*") == 7


def test_more_secrets_than_anybody_writes_are_refused() -> None:
    with pytest.raises(ScanError):
        finder().look(body(text(f"{KEY} " * 10_001)))


def test_a_secret_behind_much_escaped_text_is_masked_in_its_place() -> None:
    for ahead in ("\n" * 100_000, "é\n" * 3000, "\n" * 1023 + "x", "😀" * 2000, '"' * 65_535):
        for ascii_only in (True, False):
            written = json.dumps([f"{ahead} {KEY}{ahead}"], ensure_ascii=ascii_only).encode()
            assert finder().masked(written) == written.replace(KEY.encode(), MASKED.encode())


WORDS = st.text(st.one_of(st.characters(), st.sampled_from('\\"/\né😀\ud83d')), max_size=30)


@given(st.lists(WORDS, max_size=4), WORDS, WORDS, st.booleans())
def test_masking_changes_one_string_and_nothing_else(others: list[str], before: str, after: str, ascii_only: bool) -> None:
    # What touches a credential may make it another word: set it apart.
    value = [*others, {"k": f"{before} {KEY} {after}"}, *others]
    written = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        read_strings(written)
    except UnicodeDecodeError:
        return  # half a pair as raw bytes: refused before
    found = json.loads(finder().masked(written))
    assert found == [*others, {"k": f"{before} {MASKED} {after}"}, *others]


@given(WORDS, st.data())
def test_a_cut_takes_just_its_characters_however_they_are_written(words: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(words)))
    end = data.draw(st.integers(begin, len(words)))
    if re.search("[\ud800-\udfff]", words) or begin == end:
        return
    sizes = [len(sign.encode()) for sign in words]
    cut = Cut(sum(sizes[:begin]), sum(sizes[:end]), "[x]")
    for ascii_only in (True, False):
        written = json.dumps(["before", words, "after"], ensure_ascii=ascii_only).encode()
        assert json.loads(with_cuts(written, {1: (cut,)})) == ["before", words[:begin] + "[x]" + words[end:], "after"]


def test_so_many_of_the_gateways_own_secrets_that_nobody_could_mask_them_are_refused() -> None:
    with pytest.raises(ScanError, match="more secrets"):
        finder("s3cret-value").look(body(text("s3cret-value " * 10_001)))


def test_own_secrets_between_letters_of_several_bytes_are_masked_where_they_stand() -> None:
    said = "\u00e9 s3cret-value \U0001f600\u4f60 s3cret-value \u00e9"
    assert masked(body(text(said)), "s3cret-value") == body(text(said.replace("s3cret-value", "[masked: configured-secret]")))
