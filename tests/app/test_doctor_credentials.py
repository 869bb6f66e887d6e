"""`doctor` on credentials that agents hold themselves, and on those that are written into files. No value is ever printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.app.doctor_kit import QUIET, Place

from ringfence.app.doctor.findings import Code, Severity

TOKEN = "ghp_" + "Zy9x8w7v6u5t4s3r2q1p" + "0123456789abcdef"
PASSWORD = "correct-horse-battery"
NAMED = "just-a-word-that-is-one"
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----"


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    looked = Place.made(tmp_path).look({"PATH": "/usr/bin", "HOME": "/root", "PWD": "/root", "LANG": "C.UTF-8"})
    assert looked.diagnosis.findings == ()
    assert not looked.diagnosis.is_serious
    assert "nothing found" in looked.printed


@pytest.mark.requirement("I9")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", NAMED),
        ("DEPLOY_TOKEN", NAMED),
        ("DATABASE_URL", f"postgresql://app:{PASSWORD}@db.example/shop"),
        ("SOMETHING", TOKEN),
        ("STRIPE_API_KEY", NAMED),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/ada/production.json"),
    ],
)
def test_a_credential_in_an_agents_shell_is_serious_and_its_value_is_not_printed(tmp_path: Path, name: str, value: str) -> None:
    looked = Place.made(tmp_path).look({"CLAUDECODE": "1", name: value})
    finding = looked.of(Code.ENVIRONMENT_SECRET)
    assert (finding.severity, finding.where) == (Severity.SERIOUS, (f"${name}",))
    assert value not in looked.printed
    assert PASSWORD not in looked.printed


def test_the_same_in_a_persons_shell_is_a_warning(tmp_path: Path) -> None:
    looked = Place.made(tmp_path).look({"DEPLOY_TOKEN": NAMED})
    assert looked.of(Code.ENVIRONMENT_SECRET).severity is Severity.WARNING
    assert not looked.diagnosis.is_serious


@pytest.mark.parametrize(
    "environment",
    [
        {"PWD": "/home/ada/project"},
        {"SSH_AUTH_SOCK": "/run/user/1000/ssh"},
        {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "32000000"},
        {"USE_AUTH": "true"},
        {"GITHUB_TOKEN": ""},
        {"TOKEN_FILE": "/run/secrets/token"},
        {"INVOCATION_ID": "0123456789abcdef0123456789abcdef"},
        {"API_URL": "https://api.example/v1"},
    ],
)
def test_what_only_looks_like_a_credential_is_none(tmp_path: Path, environment: dict[str, str]) -> None:
    assert Place.made(tmp_path).look({"CLAUDECODE": "1", **environment}).codes == set()


def test_the_model_key_is_told_of_and_is_not_serious(tmp_path: Path) -> None:
    looked = Place.made(tmp_path).look({"CLAUDECODE": "1", "ANTHROPIC_API_KEY": NAMED})
    assert looked.codes == {Code.MODEL_KEY}
    assert not looked.diagnosis.is_serious
    assert NAMED not in looked.printed


def test_an_operators_credential_in_an_agents_shell_is_serious(tmp_path: Path) -> None:
    looked = Place.made(tmp_path).look({"CLAUDECODE": "1", "RINGFENCE_OPERATOR_CREDENTIAL": "rfo_" + NAMED})
    assert looked.of(Code.OPERATOR_CREDENTIAL_IN_REACH).severity is Severity.SERIOUS
    assert NAMED not in looked.printed


def test_what_the_configuration_refers_to_is_a_credential_whatever_its_name(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    paying = {"effect": "write", "credential": {"env": "PAY", "from": "env:GT"}}
    server = {"command": ["/bin/true"], "env": {"KEY": {"from": "env:PLAIN"}}}
    place.configure({**QUIET, "servers": {"shop": server}, "tools": {"shop.pay": paying}})
    looked = place.look({"CODEX_SANDBOX": "1", "PLAIN": NAMED, "GT": "abc", "OTHER": "abc"})
    assert looked.where(Code.ENVIRONMENT_SECRET) == {"$GT", "$PLAIN"}
    assert NAMED not in looked.printed


# --- clients' files --------------------------------------------------------------------------------------------------

SERVERS: dict[str, Any] = {
    "gh": {"command": "gh-mcp", "env": {"GITHUB_TOKEN": NAMED, "TZ": "UTC", "OTHER": "${CI_TOKEN}"}},
    "web": {"type": "http", "url": "https://web.example/mcp", "headers": {"Authorization": f"Bearer {NAMED}"}},
    "old": {"type": "sse", "url": "https://old.example/sse", "headers": {"X-Api-Key": NAMED}},
    "db": {"command": "db-mcp", "args": ["--dsn", f"postgresql://app:{PASSWORD}@db.example/shop"]},
}


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("key", ["mcpServers", "servers"])
@pytest.mark.parametrize("name", [".mcp.json", ".vscode/mcp.json", ".cursor/mcp.json"])
def test_credentials_in_a_clients_file_are_found_by_place(tmp_path: Path, name: str, key: str) -> None:
    place = Place.made(tmp_path)
    path = place.write(name, json.dumps({key: SERVERS}))
    looked = place.look()
    assert looked.where(Code.CLIENT_SECRET) == {
        f"{path}: gh: env.GITHUB_TOKEN",
        f"{path}: web: headers.Authorization",
        f"{path}: old: headers.X-Api-Key",
        f"{path}: db: args",
    }
    assert looked.of(Code.CLIENT_SECRET).severity is Severity.SERIOUS
    assert looked.where(Code.CLIENT_REFERENCE) == {f"{path}: gh: $CI_TOKEN"}
    assert NAMED not in looked.printed
    assert PASSWORD not in looked.printed


def test_a_persons_file_is_read_with_its_projects_and_without_what_was_said(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    path = place.home / ".claude.json"
    said = {"history": [{"display": TOKEN}], "mcpServers": {"gh": SERVERS["gh"]}}
    path.write_text(json.dumps({"projects": {"/srv/a": said}, "mcpServers": {"web": SERVERS["web"]}}))
    looked = place.look()
    assert looked.where(Code.CLIENT_SECRET) == {f"{path}: gh: env.GITHUB_TOKEN", f"{path}: web: headers.Authorization"}


@pytest.mark.parametrize("name", ["settings.json", "settings.local.json"])
def test_settings_are_searched_for_variables_and_for_known_formats(tmp_path: Path, name: str) -> None:
    place = Place.made(tmp_path)
    allowed = f"Bash(curl -H 'Authorization: token {TOKEN}' https://api.example)"
    settings = {"env": {"DEPLOY_TOKEN": NAMED, "ANTHROPIC_API_KEY": NAMED, "LANG": "C"}, "permissions": {"allow": [allowed]}}
    path = place.write(f".claude/{name}", json.dumps(settings, indent=1))
    looked = place.look()
    assert looked.where(Code.CLIENT_SECRET) == {f"{path}: env.DEPLOY_TOKEN", f"{path}:9"}
    assert looked.where(Code.MODEL_KEY) == {f"{path}: env.ANTHROPIC_API_KEY"}
    assert "github-token" in looked.printed
    assert TOKEN not in looked.printed


def test_a_file_with_comments_is_still_searched_for_known_formats(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    path = place.write(".vscode/mcp.json", f'// mine\n{{"servers": {{"a": {{"env": {{"T": "{TOKEN}"}}}}}}}}')
    looked = place.look()
    assert looked.where(Code.CLIENT_SECRET) == {f"{path}:2"}
    assert looked.where(Code.NOT_LOOKED_AT) == {str(path)}


def test_a_run_credential_in_a_clients_file_is_an_unbound_bearer(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    gate = {"type": "http", "url": "http://127.0.0.1:7410/mcp", "headers": {"Authorization": "Bearer rfr_" + "a" * 43}}
    path = place.write(".mcp.json", json.dumps({"mcpServers": {"ringfence": gate}}))
    looked = place.look()
    assert looked.codes == {Code.UNBOUND_BEARER}
    assert looked.where(Code.UNBOUND_BEARER) == {f"{path}: ringfence: headers.Authorization"}
    assert "a" * 43 not in looked.printed


# --- the configuration, and what lies beside it ----------------------------------------------------------------------


@pytest.mark.requirement("I9")
def test_secrets_in_the_configuration_are_found_with_their_lines(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    servers = {
        "a": {"command": ["/bin/true", f"--token={NAMED}"], "env": {"API_KEY": NAMED, "LIMIT": "500"}},
        "b": {"url": "https://b.example/mcp", "headers": {"Authorization": f"Bearer {NAMED}"}},
        "c": {"url": "https://c.example/mcp", "headers": {"Authorization": {"from": "env:C"}}},
    }
    place.configure({**QUIET, "servers": {**QUIET["servers"], **servers}})
    with place.config.open("a") as file:
        file.write(f"# the old one was {TOKEN}\n")
    lines = place.config.read_text().splitlines()
    looked = place.look()
    at = {place.rpartition(": ")[2]: int(place.split(":")[1]) for place in looked.where(Code.CONFIG_SECRET) if ": " in place}
    assert set(at) == {"servers.a.command[1]", "servers.a.env.API_KEY", "servers.b.headers.Authorization"}
    assert all(NAMED in lines[line - 1] for line in at.values())
    assert f"{place.config}:{len(lines)}" in looked.where(Code.CONFIG_SECRET)
    assert looked.diagnosis.is_serious
    assert NAMED not in looked.printed
    assert TOKEN not in looked.printed


@pytest.mark.requirement("I9")
def test_a_secret_in_what_is_quoted_is_masked_all_the_same(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    server = {"command": ["/bin/true"], "env": {"KEY": {"from": f"exec:fetch {TOKEN} {NAMED}"}}}
    config = {
        **QUIET,
        "servers": {"shop": server, "bank": server},
        "tools": {**QUIET["tools"], "bank.pay": {"effect": "write"}},
    }
    place.configure(config)
    looked = place.look({"DEPLOY_TOKEN": NAMED})
    assert "(`exec:fetch [masked" in looked.printed
    assert TOKEN not in looked.printed
    assert NAMED not in looked.printed


def test_a_key_in_a_policy_and_one_in_an_env_file_are_found(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    policy = place.write("policies/a.cedar", f"// asked for with {TOKEN}\n")
    cases = place.write("policies/cases.yaml", f"key: |\n{KEY}\n")
    env = place.write(".env", f"# mine\nexport DEPLOY_TOKEN='{NAMED}'\nLANG=C\nFROM=$OTHER\nMY_TOKEN=$OTHER\n")
    place.write(".env.example", f"DEPLOY_TOKEN={NAMED}")
    looked = place.look()
    assert looked.where(Code.CONFIG_SECRET) == {f"{policy}:1", str(cases)}
    assert looked.where(Code.ENV_FILE_SECRET) == {f"{env}:2: DEPLOY_TOKEN"}
    assert NAMED not in looked.printed


def test_a_configuration_that_is_refused_is_still_searched(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    place.config.write_text(f"version: 1\nagnts: {{}}\nservers: {{a: {{command: [x], env: {{API_KEY: {NAMED}}}}}}}\n")
    looked = place.look()
    assert {Code.CONFIG_UNUSABLE, Code.CONFIG_SECRET} <= looked.codes
    assert "nearest known: `agents`" in looked.printed
    assert NAMED not in looked.printed


def test_an_operators_credential_that_an_agents_user_can_read_is_in_its_reach(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    folder = place.home / ".config" / "ringfence" / "operators"
    folder.mkdir(parents=True)
    (folder / "ada").touch(mode=0o600)
    assert place.look().codes == set()
    place.configure({**QUIET, "agents": {"clerk": {"purpose": "x", "tools": []}}})
    assert place.look().where(Code.OPERATOR_CREDENTIAL_IN_REACH) == {str(folder / "ada")}
