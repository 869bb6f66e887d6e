"""Bad files with the exact words that an operator gets: where, what was expected, and the nearest known name."""

from pathlib import Path

import pytest

from ringfence.app.config.load import load_config, parse_config
from ringfence.errors import ConfigError
from ringfence.ports.notifier import AlertKind

KINDS = ", ".join(f"`{kind.value}`" for kind in AlertKind if kind is not AlertKind.TEST)
GOOD = """\
version: 1
servers: {git: {command: [g]}, db: {command: [d]}}
tools: {git.log: {effect: read}, git.commit: {}}
agents: {dev: {purpose: code, tools: [git.*]}}
"""


def but(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def complaints(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigError) as caught:
        parse_config(data, Path("r.yaml"), find_user={"bob": 7}.get)
    assert "ringfence config check" in caught.value.remedy
    return [line.removeprefix("r.yaml:") for line in str(caught.value).splitlines()]


def test_the_file_that_the_cases_change_is_good() -> None:
    assert parse_config(GOOD.encode(), Path("r.yaml")).warnings == ()


FACED: dict[str, tuple[str | bytes, list[str]]] = {
    "unknown key": (
        GOOD + "agnts: {}\n",
        ["5:1: unknown key `agnts`; nearest known: `agents`"],
    ),
    "unknown key with nothing near": (
        but("git.log: {effect: read}", "git.log: {zzz: 1}"),
        [
            "3:19: tools.git.log: unknown key `zzz`; known: `authority`, `bounded`, `clearance`, `costs_money`, "
            "`credential`, `effect`, `identity`, `inverse`, "
            "`limits`, `lookup`, `memory`, `objects`, ..."
        ],
    ),
    "missing version": (GOOD.replace("version: 1\n", ""), ["1:1: missing key `version`: Version of this format."]),
    "another version": (but("version: 1", "version: 2"), ["1:10: version: expected an integer from 1 to 1, found 2"]),
    "agent to no tool": (
        but("[git.*]", "[git.lgo, gti.*, db.*]"),
        [
            "4:39: agents.dev.tools[0]: no tool `git.lgo`; nearest tool: `git.log`",
            "4:48: agents.dev.tools[1]: `gti.*` matches no configured tool; nearest pattern: `git.*`",
            "4:55: agents.dev.tools[2]: `db.*` matches no configured tool; pattern: `git.*`",
        ],
    ),
    "wrong types in a profile": (
        but(
            "git.log: {effect: read}",
            'git.log: {effect: raed, reversible: yes, bounded: "true", quorum: 010, sensitivity: 3, '
            "worst: no, authority: [id]}",
        ),
        [
            "3:27: tools.git.log.effect: expected one of `read`, `write`, found `raed`; nearest known: `read`",
            "3:45: tools.git.log.reversible: expected `true` or `false`, found `yes`, true or false",
            "3:59: tools.git.log.bounded: expected `true` or `false`, found text",
            "3:75: tools.git.log.quorum: expected an integer from 1 to 20, found `010`, a number",
            "3:93: tools.git.log.sensitivity: expected one of `public`, `internal`, `confidential`, `regulated`, found `3`",
            "3:103: tools.git.log.worst: expected one sentence; `no` is read as true or false by YAML: put it in quotes",
            "3:119: tools.git.log.authority[0]: expected a JSON pointer such as `/order_id`, found `id`",
        ],
    ),
    "tool to no server, names alike, names too long": (
        but("git.log: {effect: read}", "gitx.log: {}, git.Commit: {}, git.log: {}, git." + "a" * 64 + ": {}"),
        [
            "3:19: tools.gitx.log: no server `gitx`; nearest server: `git`",
            f"3:52: tools.git.{'a' * 56}...: its wire name `git__{'a' * 64}` is longer than 64 characters",
            "3:126: tools.git.commit: `git.commit` and `git.Commit` differ only in letter case: "
            "a reader would take one for the other",
        ],
    ),
    "tool name outside the wire's characters": (
        but("git.log: {effect: read}", "git.log: {}, git.lóg: {}, git: {}, 'git.a\u200bb': {}"),
        [
            "3:22: tools: expected a tool id `server.tool` of letters, digits, `_` and `-`, found `git.lóg`",
            "3:35: tools: expected a tool id `server.tool` of letters, digits, `_` and `-`, found `git`",
            "3:44: tools: expected a tool id `server.tool` of letters, digits, `_` and `-`, found `git.a\\u200bb`",
        ],
    ),
    "reserved and illegal server ids": (
        but("db: {command: [d]}", "ringfence: {command: [d]}, My_Server: {command: [d]}"),
        [
            "2:32: servers.ringfence: `ringfence` is reserved for the gateway's own tools",
            "2:59: servers: expected a server id of a-z, 0-9 and `-`, at most 24 characters, found `My_Server`",
        ],
    ),
    "inverse to nothing, and conditions": (
        but(
            "git.log: {effect: read}",
            'git.log: {inverse: git.comit, when: [{if: "amount <> 3"}, {effect: read}, {if: a < '
            "'x'}, {if: a == 1 or b == 2}]}",
        ),
        [
            "3:28: tools.git.log.inverse: no tool `git.comit`; nearest tool: `git.commit`",
            "3:60: tools.git.log.when[0].if: expected a number, 'text', true or false, found `>`",
            "3:67: tools.git.log.when[1]: missing key `if`: `ARGUMENT OP LITERAL [and ...]`: an argument or JSON pointer; "
            "== != <= < >= > in; a number, 'text', true, false or ['a', 'b']. An absent argument or another type never holds.",
            "3:92: tools.git.log.when[2].if: `<` compares numbers",
            "3:110: tools.git.log.when[3].if: expected `and` or the end, found `or`",
        ],
    ),
    "an inverse that contradicts": (
        but("git.log: {effect: read}", "git.log: {inverse: git.log, reversible: false}"),
        [
            "3:28: tools.git.log.inverse: a tool cannot be its own inverse",
            "3:49: tools.git.log.reversible: `reversible: false` contradicts `inverse`",
        ],
    ),
    "a tightening that would narrow nothing": (
        but(
            "git.log: {effect: read}",
            "git.log: {tighten: {properties: {a: {maxmum: 3}, b: {format: email}, c: no}, $ref: 'https://x.example/s'}}",
        ),
        [
            "3:54: tools.git.log.tighten.properties.a.maxmum: unknown JSON Schema keyword `maxmum`, "
            "which would narrow nothing; "
            "nearest known: `maximum`",
            "3:70: tools.git.log.tighten.properties.b.format: `format` is not enforced: use `pattern`",
            "3:81: tools.git.log.tighten.properties.c: `no` is read as true or false by YAML: "
            "write it as JSON does, or put it in quotes",
            "3:92: tools.git.log.tighten.$ref: a `$ref` may only point into the same schema (`#/...`)",
        ],
    ),
    "a tightening of the wrong type": (
        but("git.log: {effect: read}", "git.log: {tighten: {type: objet}}"),
        [
            "3:35: tools.git.log.tighten.type: not a valid JSON Schema: expected one of `array`, `boolean`, `integer`, `null`, "
            "`number`, `object`, `string`, or a list of them"
        ],
    ),
    "a pattern that could run for ever": (
        but("git.log: {effect: read}", 'git.log: {tighten: {properties: {a: {pattern: "(?=a)b"}}}}'),
        [
            "3:55: tools.git.log.tighten.properties.a.pattern: not a valid JSON Schema: not a regular "
            "expression, or one that cannot "
            "run in linear time (look-around, back-reference)"
        ],
    ),
    "derived tools": (
        GOOD
        + "derived:\n  o.status: {from: bd.query, description: x}\n  git.log: {from: git.log, description: d}\n"
        + "  o.x: {from: o.status}\n  o.n: {from: db.query, description: no}\n",
        [
            "6:20: derived.o.status.from: no server `bd`; server: `db`, `git`",
            "7:3: derived.git.log: `git.log` is also under `tools`: a derived tool needs its own name",
            "7:19: derived.git.log.from: `git.log` is itself derived: name the upstream tool",
            "8:8: derived.o.x: missing key `description`: What agents read instead of the wide tool's description.",
            "8:15: derived.o.x.from: `o.status` is itself derived: name the upstream tool",
            "9:38: derived.o.n.description: expected text; `no` is read as true or false by YAML: put it in quotes",
        ],
    ),
    "servers": (
        GOOD.replace("{command: [g]}", '{command: [g], url: "http://127.0.0.1/"}').replace(
            "{command: [d]}",
            '{url: "http://u:p@127.0.0.1/#f", env: {A: b}, headers: {Host: a, mcp-session-id: b}}',
        ),
        [
            "2:16: servers.git: expected either `command` or `url`, found both",
            "2:68: servers.db.url: the URL has a fragment (`#...`)",
            "2:68: servers.db.url: the URL holds a user name or password: use `headers` with `{from: ...}`",
            "2:100: servers.db.env: `env` goes with `command`, not with `url`",
            "2:124: servers.db.headers.Host: `Host` is set by the gateway and cannot be configured",
            "2:143: servers.db.headers.mcp-session-id: `mcp-session-id` is set by the gateway and cannot be configured",
        ],
    ),
    "what YAML 1.1 makes of things": (
        but(
            "{command: [g]}",
            "{command: [g, 3, 12:30:00], env: {TOKEN: on, PORT: 80, T: 010, S: {from: 'env:9'}}, "
            "deadline: 5 minutes, era: modrn, cwd: }",
        ),
        [
            "2:33: servers.git.command[2]: expected text; `12:30:00` is read as a count or a time by YAML: put it in quotes",
            "2:57: servers.git.env.TOKEN: expected text; this is read as true or false by YAML: put it in quotes",
            "2:74: servers.git.env.T: expected text; this is read as a number by YAML: put it in quotes",
            "2:89: servers.git.env.S.from: expected `env:NAME`, `file:PATH`, `exec:COMMAND` or `vault:MOUNT/PATH#FIELD`, "
            "found other text",
            "2:110: servers.git.deadline: expected a duration from 1s to 1d such as `45s`, `15m`, "
            "`1h` or `7d`, found `5 minutes`",
            "2:126: servers.git.era: expected one of `auto`, `legacy`, `modern`, found `modrn`; nearest known: `modern`",
            "2:138: servers.git.cwd: expected a folder, found nothing",
        ],
    ),
    "agents": (
        but(
            "purpose: code",
            "limits: {calls_per_run: many, wall_clock: 12:30:00}, users: [bob, alice, 12], tighten: {db.x: {}, git.log: []}",
        ),
        [
            "4:15: agents.dev: missing key `purpose`: What the agent is for. Shown on approval cards.",
            "4:40: agents.dev.limits.calls_per_run: expected an integer from 1 to 10000000, found text",
            "4:58: agents.dev.limits.wall_clock: expected a duration from 1s to 366d such as `45s`, `15m`, `1h` or `7d`, "
            "found `12:30:00`",
            "4:82: agents.dev.users[1]: no local user `alice`",
            "4:110: agents.dev.tighten.db.x: no tool `db.x`; tool: `git.commit`, `git.log`",
            "4:123: agents.dev.tighten.git.log: expected a mapping, found a list",
        ],
    ),
    "tightening what the agent is not given": (
        but("tools: [git.*]", "tools: [git.log], tighten: {git.commit: {}}"),
        ["4:71: agents.dev.tighten.git.commit: the agent is not given `git.commit`, so there is nothing to tighten"],
    ),
    "the rest": (
        GOOD
        + "alerts: {caps_at: [101], webhooks: [{url: ftp://x, format: slak, kinds: [kil]}]}\n"
        + "approvals: {hold: 2h}\ncontrol: {public_url: 'https:///x'}\n",
        [
            "5:20: alerts.caps_at[0]: expected an integer from 1 to 100, found 101",
            "5:43: alerts.webhooks[0].url: expected an http or https URL, found other text",
            "5:60: alerts.webhooks[0].format: expected one of `json`, `slack`, found `slak`; nearest known: `slack`",
            f"5:74: alerts.webhooks[0].kinds[0]: expected one of {KINDS}, found `kil`; nearest known: `kill`",
            "6:19: approvals.hold: expected a duration from 1s to 10m such as `45s`, `15m`, `1h` or `7d`, found `2h`",
            "7:23: control.public_url: the URL has no host",
        ],
    ),
    "authorization servers": (
        GOOD
        + "authorization: {issuers: ['http://login.example', 'https://a.example/?x=1', 'https://a:b@c.example', 'ftp://x']}\n",
        [
            "5:27: authorization.issuers[0]: an issuer on another machine needs https",
            "5:51: authorization.issuers[1]: an issuer has no query (`?...`)",
            "5:77: authorization.issuers[2]: the URL holds a user name or password: use `headers` with `{from: ...}`",
            "5:102: authorization.issuers[3]: expected an http or https URL, found `ftp://x`",
        ],
    ),
    "how long a command may think": (
        but("{command: [g]}", "{command: [g], first_byte: 1m}"),
        ["2:43: servers.git.first_byte: `first_byte` goes with `url`, not with `command`"],
    ),
    "duplicate keys": (
        GOOD + "tools: {}\napprovals: {hold: 1s, hold: 2s}\n",
        ["5:1: tools: duplicate key: already given on line 3", "6:23: approvals.hold: duplicate key: already given on line 6"],
    ),
    "anchor": (GOOD + "a: &x 1\n", ["5:4: anchors are not allowed (`&x`)"]),
    "alias": (GOOD + "a: *x\n", ["5:4: aliases are not allowed (`*x`): write the value out"]),
    "tag": (GOOD + "a: !!str x\n", ["5:4: tags are not allowed (`tag:yaml.org,2002:str`)"]),
    "a key that is not text": (GOOD + "? [a]\n: 1\n", ["5:3: expected a text key, found a list or mapping"]),
    "two documents": (GOOD + "---\nversion: 1\n", ["5:1: expected one document, found a second"]),
    "not UTF-8": (b"version: 1\n# \xff\n", ["2:3: not UTF-8"]),
    "too deep": ("version: 1\nx: " + "[" * 100_000, ["2:43: nested deeper than 40 levels"]),
    "too large": (b"#" * ((1 << 20) + 1), ["1:1: the file has 1048577 bytes; at most 1048576 are read"]),
    "empty": ("", ["1:1: expected a mapping that begins with `version: 1`"]),
    "a list": ("- a\n", ["1:1: expected a mapping that begins with `version: 1`"]),
}


@pytest.mark.parametrize("case", FACED)
@pytest.mark.requirement("I16")
def test_a_bad_file_is_refused_in_words_that_help(case: str) -> None:
    text, expected = FACED[case]
    assert complaints(text) == expected


@pytest.mark.parametrize("text", ["version: [1\n", "version: 1\n\x00\n", "a: 'b\n", "\tx: 1\n", "a: b: c\n"])
def test_text_that_is_not_yaml_is_refused_with_a_place(text: str) -> None:
    [line] = complaints(text)
    place, _, said = line.partition(": ")
    assert place.replace(":", "").isdigit()
    assert said.startswith("not YAML")


def test_a_literal_secret_is_in_no_message() -> None:
    text = but("{command: [g]}", '{command: [g], env: {TOKEN: "hunter2 \u200b"}, url: "https://u:hunter2@x.example"}')
    assert "hunter2" not in "\n".join(complaints(text))


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("where", ["env: {{TOKEN: {{from: {0}}}}}", 'env: {{TOKEN: {{from: "other:{0}"}}}}'])
def test_a_secret_in_the_place_of_its_reference_is_in_no_message(where: str) -> None:
    """Messages of a reload go into the log and to people."""
    said = "\n".join(complaints(but("{command: [g]}", "{command: [g], " + where.format("hunter2-s3cret") + "}")))
    assert "from" in said
    assert "hunter2" not in said


def test_no_more_than_a_hundred_problems_are_listed() -> None:
    lines = complaints(GOOD + "".join(f"x{number}: 1\n" for number in range(150)))
    assert len(lines) == 101
    assert lines[-1].endswith("and 50 more")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file") as caught:
        load_config(tmp_path / "none.yaml")
    assert "ringfence init" in caught.value.remedy


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not a regular file|Is a directory"):
        load_config(tmp_path)
