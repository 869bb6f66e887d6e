"""`load_config`: one file to one snapshot, or one error that lists everything wrong with it.

The order: bytes -> tree (document) -> plain values (layout) -> names, references, schemas and conditions -> rules.
Nothing is built from a file with any problem.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ringfence.app.command_profiles import own_commands
from ringfence.app.config.alerts_section import alerts_of, check_alerts
from ringfence.app.config.box_section import check_boxes, egress_secrets_of, server_box_of
from ringfence.app.config.conditions import ConditionFault, parse_conditions
from ringfence.app.config.connections import (
    authorization_of,
    check_issuer,
    check_secrets,
    check_server,
    check_url,
    connection_of,
    control_of,
    secrets_of,
)
from ringfence.app.config.credentials_of import check_credentials, minters_of, with_credentials
from ringfence.app.config.document import MAX_BYTES, Entries, Items, Node, Scalar, parse_document
from ringfence.app.config.environments import check_environments
from ringfence.app.config.exchange_of import check_exchanges, exchange_of
from ringfence.app.config.guards_of import check_guards
from ringfence.app.config.identity_section import check_identity, check_listen, identity_of, listen_of
from ringfence.app.config.layout import AGENT, FILE
from ringfence.app.config.limits_of import check_limits
from ringfence.app.config.local_of import check_local, warn_of_idle, with_local
from ringfence.app.config.log_section import check_log, log_of
from ringfence.app.config.model_limits_of import check_model_limits
from ringfence.app.config.models_of import check_models, model_connections_of
from ringfence.app.config.names import check_names, check_references
from ringfence.app.config.narrowing import narrowing_faults
from ringfence.app.config.operators_section import check_operators, oidc_of
from ringfence.app.config.permissions_of import permissions_of
from ringfence.app.config.policies import is_timezone, with_policies
from ringfence.app.config.problems import FatalProblem, Position, Problem, Problems, nearest, path_text, shown
from ringfence.app.config.problems import Path as Place
from ringfence.app.config.rules_of import rules_of
from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.config.settings import Loaded, PolicySettings
from ringfence.app.config.telemetry_section import check_telemetry, otlp_of, scrape_token_of
from ringfence.core.model.identifiers import ServerId
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.strict_json.canonical import digest_of
from ringfence.errors import ConfigError, RequestError

FindUser = Callable[[str], int | None]
"""The uid of a local user's name, or None."""


def local_uid(name: str) -> int | None:
    """The uid that this machine's user database has for a name."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def load_config(path: Path, *, find_user: FindUser = local_uid) -> Loaded:
    """Read and check a configuration file.

    Raises: ConfigError whose message has one line per problem, `FILE:LINE:COLUMN: PATH: what was expected`.
    """
    data, mode = _read(path)
    loaded = parse_config(data, path, find_user=find_user)
    loaded = with_policies(loaded)
    loaded = replace(loaded, own_commands=own_commands(loaded.commands))
    if mode & stat.S_IWOTH:
        warning = f"{path}:1:1: every local user can change this file, and with it what agents may do: chmod o-w"
        loaded = replace(loaded, warnings=(warning, *loaded.warnings))
    return loaded


def parse_config(data: bytes, path: Path, *, find_user: FindUser = local_uid) -> Loaded:
    """`load_config` for bytes already read; `path` names them in messages and anchors relative folders. Raises: ConfigError."""
    problems = Problems()
    try:
        root = parse_document(data, problems)
    except FatalProblem as fatal:
        problems.found.append(fatal.problem)
        raise problems.error(str(path)) from None
    values: Mapping[str, Any] = FILE.read(root, (), problems)
    checked = _Checked(root, problems)
    users = checked.run(values, find_user)
    lists = checked.permissions(values, path.absolute().parent)
    if problems.found:
        raise problems.error(str(path))
    folder = path.absolute().parent
    try:
        digest = digest_of(_without_literals(values))
    except (RequestError, ValueError) as error:
        raise ConfigError(f"{path}: a number in it has no exact JSON form: {error}") from error
    return Loaded(
        rules=with_local(with_credentials(rules_of(values, digest, users), values, folder), values, lists, path.absolute()),
        servers={
            ServerId(name): replace(
                connection_of(name, fields, folder),
                exchange=exchange_of(fields, folder),
                box=server_box_of(name, values, path.absolute()),
            )
            for name, fields in values.get("servers", {}).items()
        },
        alerts=alerts_of(values.get("alerts", {}), folder),
        control=control_of(values.get("control", {})),
        log=log_of(values.get("log", {}), folder),
        warnings=tuple(f"{path}:{warning}" for warning in sorted(set(checked.warnings))),
        path=path,
        digest=digest,
        policies=PolicySettings(
            folder=folder / values["policies"] if "policies" in values else None, timezone=values.get("timezone", "UTC")
        ),
        commands=tuple(folder / Path(text).expanduser() for text in values.get("commands", ())),
        authorization=authorization_of(values.get("authorization", {})),
        listen=listen_of(values.get("listen", {}), folder),
        identity=identity_of(values.get("identity", {}), folder),
        oidc=oidc_of(values, folder),
        secrets=secrets_of(values.get("secrets", {}), folder),
        models=model_connections_of(values, folder),
        minters=minters_of(values.get("minters", {}), folder),
        egress_secrets=egress_secrets_of(values, folder),
        otlp=otlp_of(values, folder),
        scrape_token=scrape_token_of(values, folder),
    )


def _read(path: Path) -> tuple[bytes, int]:
    """The bytes of a regular file, and its mode."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise ConfigError(f"{path}: not a regular file")
            return file.read(MAX_BYTES + 1), mode
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "unreadable"
        raise ConfigError(
            f"{path}: cannot be read: {why}", remedy="Name the file with --config, or write one with `ringfence init`."
        ) from error


@dataclass(slots=True)
class _Checked:
    """The checks that need more than the shape of one value."""

    root: Entries
    problems: Problems
    warnings: list[Problem] = field(default_factory=list[Problem])

    def run(self, values: Mapping[str, Any], find_user: FindUser) -> Mapping[str, frozenset[int]]:
        """Add every fault; gives the uids of each agent's users."""
        check_names(values, self.report_key)
        check_references(values, self.names(), self.report, self.warn)
        for name, fields in values.get("servers", {}).items():
            check_server(("servers", name), fields, self.keys(("servers", name)), self.report, self.warn)
        check_secrets(values, self.report, self.warn)
        check_alerts(values.get("alerts", {}), self.report, self.warn)
        check_log(values.get("log", {}), self.report, self.warn)
        check_listen(values.get("listen", {}), self.report)
        check_identity(values, self.keys(("agents",)), self.report, self.warn)
        check_operators(values, self.keys(("groups",)), self.report, self.warn)
        if "public_url" in values.get("control", {}):
            check_url(("control", "public_url"), values["control"]["public_url"], self.report, self.warn)
        for index, issuer in enumerate(values.get("authorization", {}).get("issuers", [])):
            if issuer:
                check_issuer(("authorization", "issuers", index), issuer, self.report, self.warn)
        if not is_timezone(values.get("timezone", "UTC")):
            self.report(("timezone",), f"no time zone `{values['timezone']}` is known here, such as `Europe/Berlin`")
        check_limits(values, self.report)
        check_guards(values, self.report)
        check_model_limits(values, self.report)
        check_models(values, self.report, self.warn)
        check_credentials(values, self.report)
        check_exchanges(values, self.report, self.warn)
        check_boxes(values, self.report)
        check_environments(values, self.report, self.warn)
        check_telemetry(values, self.report, self.warn)
        for agent in values.get("agents", {}):
            if {"tools", "box", "local"}.isdisjoint(self.keys(("agents", agent))) and "models" not in self.keys(()):
                self.report(("agents", agent), f"missing key `tools`: {AGENT.keys['tools'].about}")
        reported = {problem.path for problem in self.problems.found}
        for place, schema in _schemas(values):
            for below, message in narrowing_faults(schema):
                if path_text((*place, *below)) not in reported:
                    self.report((*place, *below), message)
        for section in ("tools", "derived"):
            for tool, fields in values.get(section, {}).items():
                for index, part in enumerate(fields.get("when", [])):
                    self.condition((section, tool, "when", index, "if"), (part or {}).get("if"))
        return {
            name: self.uids(("agents", name, "users"), fields, find_user) for name, fields in values.get("agents", {}).items()
        }

    def permissions(self, values: Mapping[str, Any], folder: Path) -> Mapping[str, PermissionLists]:
        """The permission lists of each agent that has any, from here and from the settings files that are named."""
        check_local(values, folder, self.report, self.warn)
        lists = permissions_of(values, folder, self.report_within, self.warn)
        warn_of_idle(values, lists, self.warn)
        return lists

    def report_within(self, place: Place, offset: int, message: str) -> None:
        """A fault so many characters into the text at a path."""
        node = self.node(place)
        at = node.at
        if isinstance(node, Scalar):
            at = Position(at.line, at.column + offset + (0 if node.plain else 1))
        self.problems.at(at, place, message)

    def names(self) -> dict[str, list[str]]:
        """The keys of each section, also of entries that could not be read."""
        return {section: self.keys((section,)) for section in self.root.entries}

    def keys(self, place: Place) -> list[str]:
        """The keys of the mapping at a path, as written."""
        node = self.node(place)
        return list(node.entries) if isinstance(node, Entries) else []

    def condition(self, place: Place, text: str | None) -> None:
        if text is None:
            return
        try:
            parse_conditions(text)
        except ConditionFault as fault:
            self.report_within(place, fault.offset, str(fault))

    def uids(self, place: Place, fields: Mapping[str, Any], find_user: FindUser) -> frozenset[int]:
        found: set[int] = set()
        for index, user in enumerate(fields.get("users", [])):
            if user is None:
                continue
            uid = int(user) if user.isascii() and user.isdigit() and len(user) < 10 else find_user(user)
            if uid is None:
                known = [entry.pw_name for entry in pwd.getpwall()] if find_user is local_uid else []
                hint = close if (close := nearest(user, known)).startswith("; nearest") else ""
                self.report((*place, index), f"no local user `{shown(user)}`{hint}")
            else:
                found.add(uid)
        return frozenset(found)

    def node(self, place: Place) -> Node:
        """The node at a path, or the nearest one above it."""
        node: Node = self.root
        for part in place:
            if isinstance(node, Entries) and part in node.entries:
                node = node.entries[str(part)].value
            elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
            else:
                break
        return node

    def report(self, place: Place, message: str) -> None:
        self.problems.at(self.node(place).at, place, message)

    def report_key(self, place: Place, message: str) -> None:
        """A fault of the key itself, not of what it holds."""
        above = self.node(place[:-1])
        at = above.entries[str(place[-1])].at if isinstance(above, Entries) and place[-1] in above.entries else above.at
        self.problems.at(at, place, message)

    def warn(self, place: Place, message: str) -> None:
        self.warnings.append(Problem(self.node(place).at, path_text(place), message))


def _schemas(values: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for section in ("tools", "derived"):
        for tool, fields in values.get(section, {}).items():
            if "tighten" in fields:
                yield (section, tool, "tighten"), fields["tighten"]
    for agent, fields in values.get("agents", {}).items():
        for tool, schema in fields.get("tighten", {}).items():
            yield ("agents", agent, "tighten", tool), schema


def _without_literals(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without credentials that were written into the file: a published digest must not help to guess them."""

    def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: "(hidden)" if isinstance(value, str) and looks_like_credential(name, value) else value
            for name, value in fields.items()
        }

    servers = {
        name: {key: masked(value) if key in ("env", "headers") else value for key, value in fields.items()}
        for name, fields in values.get("servers", {}).items()
    }
    hidden = {**values, "servers": servers}
    if otlp := values.get("telemetry", {}).get("otlp", {}):
        hidden["telemetry"] = {"otlp": {**otlp, "headers": masked(otlp.get("headers", {}))}}
    if "models" in values:
        hidden["models"] = {**values["models"], "upstreams": _without_keys(values["models"].get("upstreams", {}), masked)}
    return hidden


def _without_keys(upstreams: Mapping[str, Any], masked: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: {
            **fields,
            **({"credential": "(hidden)"} if isinstance(fields.get("credential"), str) else {}),
            **({"headers": masked(fields["headers"])} if "headers" in fields else {}),
        }
        for name, fields in upstreams.items()
    }
