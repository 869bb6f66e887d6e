"""The secrets that are planted, where each is configured, and the configuration that holds them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SIGNS = '/+&%"=<é'
"""Each form writes these differently."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One secret."""

    name: str
    """Under which the servers know it."""
    server: str
    """`pipe`, `web` or `cloud`: who gives it away."""
    value: str = field(repr=False)


@dataclass(slots=True)
class Garden:
    """All of them, and what a gateway needs to have them."""

    plants: list[Plant] = field(default_factory=list[Plant])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """The gateway's own."""
    files: dict[str, str] = field(default_factory=dict[str, str])
    pipe_env: dict[str, object] = field(default_factory=dict[str, object])
    web_headers: dict[str, object] = field(default_factory=dict[str, object])
    extra: dict[str, str] = field(default_factory=dict[str, str])
    """What the servers know without having been told: whatever else is configured."""

    minted: dict[str, str] = field(default_factory=dict[str, str])
    """What STS gives for each call of the server `cloud`, by the names of the variables."""

    def given_to_processes(self) -> set[str]:
        """Names of what the processes behind `pipe` and `cloud` have to hold."""
        return {*self.pipe_env, "P_ARGUMENT", *self.minted}


def value_of(kind: str, *, ascii_only: bool = False) -> str:
    """Random, so that no two runs plant the same, with every awkward sign in it unless a header has to carry it."""
    random = "".join(secrets.choice(LETTERS) for _ in range(24))
    signs = "/+=%" if ascii_only else SIGNS
    return f"{random[:8]}{signs}{kind}{random[8:]}"


def plant(directory: Path, *, each: int) -> Garden:
    """So many of each kind, and one of each that there can only be one of. Files are written into the directory."""
    garden = Garden()
    for number in range(each):
        _in_environment(garden, f"P_ENV_{number}", value_of("env"))
        _in_file(garden, directory, f"P_FILE_{number}", value_of("file"))
        _of_command(garden, directory, f"P_EXEC_{number}", value_of("exec"))
        _literal(garden, f"P_LITERAL_{number}_TOKEN", value_of("lit"))
        _dsn(garden, f"P_DSN_{number}", value_of("dsn"))
        _header(garden, f"X-Late-{number}-Key", value_of("head", ascii_only=True), is_late=True)
        _header(garden, f"X-Literal-{number}-Key", value_of("hlit", ascii_only=True), is_late=False)
    for name, value in (
        ("P_HOOK_KEY", value_of("hook")),
        ("P_HOOK_PATH", value_of("path", ascii_only=True).replace("/", "").replace("%", "").replace("+", "").replace("=", "")),
        ("P_PAGER_KEY", value_of("page", ascii_only=True)),
        ("P_MAIL_PASSWORD", value_of("mail")),
        ("P_ARGUMENT", value_of("arg", ascii_only=True)),
    ):
        garden.plants.append(Plant(name, "pipe", value))
        garden.extra[name] = value
    _minted(garden)
    garden.environment["HOOK_KEY"] = garden.extra["P_HOOK_KEY"]
    garden.environment["PAGER_KEY"] = garden.extra["P_PAGER_KEY"]
    garden.environment["MAIL_PASSWORD"] = garden.extra["P_MAIL_PASSWORD"]
    bearer = value_of("bear", ascii_only=True)
    garden.web_headers["Authorization"] = f"Bearer {bearer}"
    garden.plants.append(Plant("P_AUTHORIZATION", "web", bearer))
    return garden


def configuration(garden: Garden, server: Path, python: str, extra: Path, web_port: int, hook: str, sts: str) -> str:
    """`ringfence.yaml` (JSON is YAML)."""
    argument = next(p.value for p in garden.plants if p.name == "P_ARGUMENT")
    pipe = [python, "-I", str(server), "stdio", str(extra), f"--token={argument}"]
    read = {
        "effect": "read",
        "costs_money": False,
        "identity": False,
        "outbound": False,
        "sensitivity": "public",
        "trust": "untrusted",
    }
    tools: dict[str, object] = {}
    for name in ("pipe", "web"):
        tools |= {f"{name}.leak": read, f"{name}.wipe": {}, f"{name}.resources/read": read}
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "<name>"}
    mint = {
        "minter": "lake",
        "role": "arn:aws:iam::123456789012:role/reader",
        "policy": {"Version": "2012-10-17", "Statement": statement},
        "arguments": {"name": {"from": "/name"}},
    }
    tools["cloud.leak"] = {**read, "credential": {"env": "AWS_*", "mint": mint}}
    account = {"access_key_id": {"from": "env:STS_ID"}, "secret_access_key": {"from": "env:STS_OWN"}}
    url = f"{hook}/{quote(garden.extra['P_HOOK_PATH'], safe='')}"
    grants = {"logging": True}
    return json.dumps(
        {
            "version": 1,
            "servers": {
                "pipe": {"command": pipe, "env": garden.pipe_env, "era": "legacy", "share": "server", "grants": grants},
                "web": {
                    "url": f"http://127.0.0.1:{web_port}/mcp",
                    "headers": garden.web_headers,
                    "era": "legacy",
                    "share": "server",
                    "grants": grants,
                },
                # It knows nothing but what is minted for it.
                "cloud": {"command": [python, "-I", str(server), "stdio", "/dev/null"], "era": "legacy", "grants": grants},
            },
            "minters": {"lake": {"aws": {"region": "eu-west-1", "endpoint": sts, **account}}},
            "tools": tools,
            "agents": {
                "leaker": {
                    "purpose": "read whatever servers say",
                    "tools": ["pipe.*", "web.*", "cloud.*", "pipe.resources/read", "web.resources/read"],
                    "limits": {"calls_per_run": 100000, "pending_approvals": 100},
                }
            },
            "approvals": {"hold": "1s", "legs": 0},
            "alerts": {
                "webhooks": [{"url": url, "secret": {"from": "env:HOOK_KEY"}}],
                # Nobody is there: what the gateway says about that is searched too.
                "pagerduty": [{"url": "http://127.0.0.1:9/enqueue", "key": {"from": "env:PAGER_KEY"}}],
                "email": [
                    {
                        "server": "127.0.0.1:9",
                        "tls": "none",
                        "from": "ringfence@gate.example",
                        "to": ["ops@gate.example"],
                        "user": "ringfence",
                        "password": {"from": "env:MAIL_PASSWORD"},
                    }
                ],
            },
        }
    )


def forms_of(value: str) -> Iterator[str]:
    """What the search looks for. Written here anew: a search with the scrubber's own eyes would share its blind spots."""
    import base64

    data = value.encode()
    yield value
    for ahead in range(3):
        encoded = base64.b64encode(b"\0" * ahead + data)
        inner = encoded[-(-ahead * 8 // 6) : (ahead + len(data)) * 8 // 6].decode()
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))
    yield data.hex()
    yield data.hex().upper()
    for safe in ("", "/"):
        escaped = quote(value, safe=safe)
        yield escaped
        yield escaped.replace("%20", "+")
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]


def _in_environment(garden: Garden, name: str, value: str) -> None:
    garden.environment[f"OURS_{name}"] = value
    garden.pipe_env[name] = {"from": f"env:OURS_{name}"}
    garden.plants.append(Plant(name, "pipe", value))


def _in_file(garden: Garden, directory: Path, name: str, value: str) -> None:
    path = directory / name
    path.write_text(f"{value}\n", "utf-8")
    path.chmod(0o600)
    garden.pipe_env[name] = {"from": f"file:{path}"}
    garden.plants.append(Plant(name, "pipe", value))


def _of_command(garden: Garden, directory: Path, name: str, value: str) -> None:
    path = directory / name
    path.write_text(value, "utf-8")
    path.chmod(0o600)
    garden.pipe_env[name] = {"from": f"exec:cat {path}"}
    garden.plants.append(Plant(name, "pipe", value))


def _literal(garden: Garden, name: str, value: str) -> None:
    garden.pipe_env[name] = value
    garden.plants.append(Plant(name, "pipe", value))


def _dsn(garden: Garden, name: str, password: str) -> None:
    garden.environment[f"OURS_{name}"] = f"postgres://app:{quote(password, safe='')}@db.example:5432/shop"
    garden.pipe_env[name] = {"from": f"env:OURS_{name}"}
    garden.plants.append(Plant(name, "pipe", password))


def _minted(garden: Garden) -> None:
    """The gateway's own secret for STS, and what STS gives for it."""
    garden.environment |= {"STS_ID": "AKIAIOSFODNN7EXAMPLE", "STS_OWN": value_of("sts", ascii_only=True)}
    garden.extra["P_STS_OWN"] = garden.environment["STS_OWN"]
    garden.plants.append(Plant("P_STS_OWN", "pipe", garden.environment["STS_OWN"]))
    plain = ["".join(secrets.choice(LETTERS) for _ in range(40)) for _ in range(3)]
    garden.minted = {
        # Not of the form that is known anyway.
        "AWS_ACCESS_KEY_ID": f"KEY{plain[0].upper()}",
        "AWS_SECRET_ACCESS_KEY": f"{plain[1][:20]}/+{plain[1][20:]}",
        "AWS_SESSION_TOKEN": f"{plain[2][:20]}/{plain[2][20:]}==",
    }
    garden.plants.extend(Plant(name, "cloud", value) for name, value in garden.minted.items())


def _header(garden: Garden, name: str, value: str, *, is_late: bool) -> None:
    if is_late:
        garden.environment[f"OURS_{name.replace('-', '_')}"] = value
        garden.web_headers[name] = {"from": f"env:OURS_{name.replace('-', '_')}"}
    else:
        garden.web_headers[name] = value
    garden.plants.append(Plant(f"P_{name.upper().replace('-', '_')}", "web", value))
