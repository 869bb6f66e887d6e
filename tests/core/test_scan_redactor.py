"""What the gateway knows to be secret is masked, whatever form it has taken."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.scan.needles import SHORTEST, beginnings_of, needles_of
from ringfence.core.scan.places import texts_of
from ringfence.core.scan.redactor import MASK, MOST_PASSING, Redactor, Seam
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import Scanner

pytestmark = pytest.mark.requirement("I9")
SECRET = 'pässw/ord+"4711'
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=SHORTEST, max_size=60).filter(
    lambda text: len(text.strip()) >= SHORTEST and text.strip() not in MASK
)
WHOLE = SECRETS.filter(lambda text: text in beginnings_of(text))
"""Secrets of which no part matters by itself."""
PADDING = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def knowing(*secrets: str) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        redactor.learn(secret)
    return redactor


def forms(secret: str, before: bytes = b"") -> dict[str, str]:
    data = secret.encode()
    return {
        "plain": secret,
        "base64": base64.b64encode(before + data).decode(),
        "base64url": base64.urlsafe_b64encode(before + data).decode(),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "url": quote(secret, safe=""),
        "form": quote_plus(secret),
        "json": json.dumps(secret)[1:-1],
        "json in json": json.dumps(json.dumps(secret))[3:-3],
    }


@given(SECRETS, PADDING, PADDING, st.binary(max_size=5))
def test_no_form_of_a_secret_is_left(secret: str, before: str, after: str, ahead: bytes) -> None:
    redactor = knowing(secret)
    for name, form in forms(secret, ahead).items():
        left = redactor.text(f"{before}{form}{after}")
        assert MASK in left, name
        whole = f"{before} {after}"
        assert form not in left or form in whole or form in MASK, name


@given(SECRETS, st.integers(0, 5), st.integers(0, 5))
def test_of_a_base64_text_nothing_is_left_but_what_a_neighbour_shares(secret: str, before: int, after: int) -> None:
    data = secret.encode()
    encoded = base64.b64encode(b"\xa5" * before + data + b"\x5a" * after).decode()
    left = knowing(secret).text(encoded)
    assert MASK in left
    assert len(left.replace(MASK, "")) <= (before * 8 + 5) // 6 + 1 + (after * 8 + 5) // 6 + 4


@given(st.lists(SECRETS, max_size=5), st.text(max_size=200))
def test_a_text_without_a_secret_stays_as_it_is(secrets: list[str], text: str) -> None:
    if not any(form in text for secret in secrets for form in needles_of(secret)):
        assert knowing(*secrets).text(text) == text.encode("utf-8", "replace").decode()


@given(WHOLE, st.integers(1, 59))
def test_of_a_secret_in_two_pieces_the_larger_part_is_masked(secret: str, cut: int) -> None:
    cut = min(cut, len(secret))
    seam = Seam(knowing(secret))
    first, second = secret[:cut], secret[cut:]
    began, ended = seam.piece(f"<{first}"), seam.piece(f"{second}>")
    assert second not in ended.replace(MASK, "") or second in f">{MASK}"
    if 3 * cut >= 2 * len(secret) and cut >= SHORTEST:
        assert first not in began.replace(MASK, "") or first in f"<{MASK}"
        assert len((began + ended).replace(MASK, "")) <= len("<>")


@given(WHOLE)
def test_a_secret_in_single_characters_is_never_whole(secret: str) -> None:
    seam = Seam(knowing(secret))
    said = "".join(seam.piece(character) for character in secret)
    assert secret not in said
    assert len(said.replace(MASK, "")) < max(SHORTEST, -(-2 * len(secret) // 3))


TOKEN = "ghp_Ab3dEfGh1jKlMn0pQrStUvWxYz0123456789"


@pytest.mark.parametrize(
    ("secret", "known"),
    [
        (TOKEN, TOKEN[:12]),
        (f"Bearer {TOKEN}", f"Bearer {TOKEN[:12]}"),
        ("postgresql://the-role-of-the-orders-service:Xk4mQ9zLw2@db/x", "postgresql://the-role-of-the-orders-service:"),
        ("the-role-of-the-orders-service:Xk4mQ9zLw2", "the-role-of-the-orders-service:Xk4"),
        ("password=Xk4mQ9zLw2;server=db.internal.example", "password=Xk4"),
    ],
)
def test_who_knows_how_a_secret_begins_cannot_guess_on_from_there(secret: str, known: str) -> None:
    """An agent has another server repeat `GUESS`, and sees by the mask whether it was right: one character at a time."""
    redactor = knowing(secret)
    following = secret[len(known)]
    right, wrong = (Seam(redactor).piece(f"say {known}{character}") for character in (following, "#"))
    assert (right, wrong) == (f"say {known}{following}", f"say {known}#")


def test_pieces_that_hold_no_secret_stay_as_they_are() -> None:
    seam = Seam(knowing(SECRET))
    assert [seam.piece(text) for text in ("one", "pass", "word", "")] == ["one", "pass", "word", ""]


@pytest.mark.parametrize(
    ("given_out", "shown"),
    [
        ("Bearer tok-123456", "tok-123456"),
        ("Basic " + base64.b64encode(b"app:pa55word").decode(), "pa55word"),
        ("postgres://app:p%40ssw0rd@db:5432/shop", "p%40ssw0rd"),
        ("postgres://app:p%40ssw0rd@db:5432/shop", "p@ssw0rd"),
        ("host=db user=app password=hunter22 dbname=x", "hunter22"),
        ("-----BEGIN KEY-----\nabcdefghijklmnopqrst\n-----END KEY-----", "abcdefghijklmnopqrst"),
        ("host=db user=app password='two words here' dbname=x", "two words here"),
        ("Endpoint=https://x.example/?token=p%40ssw0rd-1", "p@ssw0rd-1"),
        ("user: app\npassword: hunter22", "hunter22"),
        ("app:hunter22-word", "hunter22-word"),
        ('{"username": "app", "password": "hunter\\"22"}', 'hunter"22'),
        ('{"rds": {"clientSecret": "hunter22"}, "token_type": "Bearer"}', "hunter22"),
        (json.dumps({"private_key": f"-----BEGIN KEY-----\n{'ab' * 32}\n-----END KEY-----\n"}), "ab" * 32),
        ("x" * 300 + "y" * 300, "x" * 300 + "y" * 300),
    ],
)
def test_the_part_that_matters_is_masked_by_itself(given_out: str, shown: str) -> None:
    assert shown not in knowing(given_out).text(f"it said {shown}!")


PASSWORD = """p&s<s!w(o)r*d+'x"y/z ~é"""


@pytest.mark.parametrize(
    ("encoder", "shown"),
    [
        ("encodeURIComponent", "p%26s%3Cs!w(o)r*d%2B'x%22y%2Fz%20~%C3%A9"),
        ("encodeURI", "p&s%3Cs!w(o)r*d+'x%22y/z%20~%C3%A9"),
        ("URLSearchParams", "p%26s%3Cs%21w%28o%29r*d%2B%27x%22y%2Fz+%7E%C3%A9"),
        ("Go url.QueryEscape", "p%26s%3Cs%21w%28o%29r%2Ad%2B%27x%22y%2Fz+~%C3%A9"),
        ("Go url.UserPassword", "p&s%3Cs%21w%28o%29r%2Ad+%27x%22y%2Fz%20~%C3%A9"),
        ("PHP urlencode", "p%26s%3Cs%21w%28o%29r%2Ad%2B%27x%22y%2Fz+%7E%C3%A9"),
        (".NET HttpUtility.UrlEncode", "p%26s%3cs!w(o)r*d%2b%27x%22y%2fz+%7e%c3%a9"),
        ("Go encoding/json", "p\\u0026s\\u003cs!w(o)r*d+'x\\\"y/z ~é"),
        ("Gson", 'p\\u0026s\\u003cs!w(o)r*d+\\u0027x\\"y/z ~é'),
        (".NET System.Text.Json", "p\\u0026s\\u003Cs!w(o)r*d\\u002B\\u0027x\\u0022y/z ~\\u00E9"),
        ("PHP json_encode", "p&s<s!w(o)r*d+'x\\\"y\\/z ~\\u00e9"),
        ("Go encoding/json twice", "p\\\\u0026s\\\\u003cs!w(o)r*d+'x\\\\\\\"y/z ~é"),
        ("Go html.EscapeString", "p&amp;s&lt;s!w(o)r*d+&#39;x&#34;y/z ~é"),
        ("Python html.escape", "p&amp;s&lt;s!w(o)r*d+&#x27;x&quot;y/z ~é"),
    ],
)
def test_what_the_encoders_of_servers_make_of_a_secret_is_masked(encoder: str, shown: str) -> None:
    assert knowing(PASSWORD).text(f"<{shown}>") == f"<{MASK}>", encoder


def test_what_is_no_secret_in_an_object_of_secrets_stays() -> None:
    assert knowing('{"username": "application", "password": "hunter22", "token_type": "Bearer"}').text(
        "Bearer application"
    ) == ("Bearer application")


@pytest.mark.parametrize("short", ["", "a", "12345", "     a    ", "secret", "masked"])
def test_what_would_mask_ordinary_words_is_left_alone(short: str) -> None:
    assert knowing(short).text(f"the word {short} here") == f"the word {short} here"


def test_many_secrets_that_come_and_go_push_out_only_the_oldest_of_them() -> None:
    redactor = Redactor()
    redactor.learn_lasting(["lasting-secret"])
    names = [f"minted-{number:05}-x" for number in range(MOST_PASSING + 100)]
    for name in names:
        redactor.learn(name)
    assert redactor.text(f"{names[-1]} {names[-40]} lasting-secret") == f"{MASK} {MASK} {MASK}"
    assert redactor.text(names[0]) == names[0]


def test_minted_secrets_push_out_no_secret_that_was_looked_up() -> None:
    """A process knows for hours what was looked up when it started; each call of a tool may mint two."""
    redactor = knowing("looked-up-at-start")
    for number in range(MOST_PASSING + 100):
        redactor.learn_minted(f"minted-{number:05}-x")
    assert redactor.text(f"looked-up-at-start minted-{MOST_PASSING + 99:05}-x") == f"{MASK} {MASK}"
    assert redactor.text("minted-01000-x") == "minted-01000-x"


def test_what_is_no_unicode_is_masked_all_the_same() -> None:
    assert knowing("s3cret-value").text("\ud800 s3cret-value") == f"? {MASK}"


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=10) | st.just(f"x {SECRET} y"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just(SECRET), inner, max_size=3),
    )
)
def test_no_text_and_no_key_of_a_value_keeps_a_secret(value: Any) -> None:
    masked = knowing(SECRET).value(value)
    assert all(SECRET not in text for text in texts_of(masked))
    assert masked is value or json.dumps(masked) != json.dumps(value)


def test_keys_that_become_the_same_lose_nothing() -> None:
    masked = knowing("first-s3cret", "second-s3cret").value({f"{MASK} 2": 0, "first-s3cret": 1, "second-s3cret": 2, MASK: 3})
    assert sorted(masked.values()) == [0, 1, 2, 3]


# --- in the scan


@pytest.mark.parametrize("form", forms(SECRET))
def test_the_scan_finds_and_masks_every_form(form: str) -> None:
    scanner = Scanner(knowing(SECRET))
    value = {"content": [{"type": "text", "text": f"täxt {forms(SECRET)[form]} end"}], "_meta": {"k": forms(SECRET)[form]}}
    seen = scanner.see(value, "/result")
    assert {(finding.kind, finding.rule, finding.at) for finding in seen.findings} == {
        (Kind.OWN, "configured-secret", "/result/content/0/text"),
        (Kind.OWN, "configured-secret", "/result/_meta/k"),
    }
    masked = scanner.masked(value, seen, only_own=True)
    text = masked["content"][0]["text"]
    assert text.startswith(f"täxt {MASK}")
    assert len(text) <= len(f"täxt {MASK} end") + 3  # the end of a base64 text is its neighbours' too


def test_both_kinds_in_one_text_are_masked() -> None:
    scanner = Scanner(knowing(SECRET))
    value = {"a": f"ä {SECRET} and ghp_{'a1' * 18}"}
    seen = scanner.see(value, "")
    assert scanner.masked(value, seen) == {"a": f"ä {MASK} and [masked: github-token]"}
    assert scanner.masked(value, seen, only_own=True) == {"a": f"ä {MASK} and ghp_{'a1' * 18}"}


def test_binary_data_that_holds_a_secret_is_replaced_by_other_base64() -> None:
    scanner = Scanner(knowing(SECRET))
    blob = base64.b64encode(b"\0\1" + SECRET.encode() + b"\2").decode()
    value = {"contents": [{"uri": "x:y", "blob": blob}]}
    masked = scanner.masked(value, scanner.see(value, ""))
    assert base64.b64decode(masked["contents"][0]["blob"]).decode() == MASK
