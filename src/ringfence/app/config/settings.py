"""What a configuration file gives the application: the engine's rules, and what only the application needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ringfence.app.command_profiles import OwnCommands
from ringfence.app.config.alert_settings import AlertSettings
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.model.box import BoxProfile
from ringfence.core.model.identifiers import Digest, ServerId
from ringfence.core.model.issuer import Believed
from ringfence.core.rules import Rules
from ringfence.ports.minter import MinterPlace
from ringfence.ports.secrets import SecretRef

Value = str | SecretRef
"""A literal, or where a secret is found."""


class TransportKind(StrEnum):
    STDIO = "stdio"
    HTTP = "http"


class Era(StrEnum):
    """Which protocol a server speaks (2025-11-25 and before, or 2026-07-28)."""

    AUTO = "auto"
    LEGACY = "legacy"
    MODERN = "modern"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """Where the tokens come from that a server is reached with in the name of users (RFC 8693)."""

    token_url: str
    client_id: str
    client_secret: SecretRef
    client_auth: str
    audience: str
    resource: str
    scope: str
    subject_type: str
    actor: SecretRef | None
    actor_type: str

    @property
    def target(self) -> str:
        """For whom its tokens are."""
        return self.audience or self.resource


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBox:
    """The box that a server's command runs in."""

    profile: BoxProfile
    writable: tuple[str, ...] = ()
    """Folders that it may write to. Absolute."""
    way_out: bool = False
    """Whether it has egress rules at all."""
    shows_cwd: bool = False
    """Whether the folder that it starts in was written, and is shown; else it starts in an empty one."""
    hidden: tuple[str, ...] = ()
    """What it must not be shown: the configuration, and files with secrets that are not its own. Absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConnection:
    """How one upstream server is reached. `repr` shows no literal of `env` and `headers`."""

    id: ServerId
    kind: TransportKind
    command: tuple[str, ...] = ()
    cwd: Path | None = None
    """Absolute; None for HTTP."""
    env: Mapping[str, Value] = field(default_factory=dict[str, Value], repr=False)
    box: ServerBox | None = None
    """None: the command runs as any child of the gateway's."""
    url: str = ""
    headers: Mapping[str, Value] = field(default_factory=dict[str, Value], repr=False)
    era: Era = Era.AUTO
    first_byte_s: float = 30.0
    """HTTP: how long the server may think before its answer begins."""
    exchange: ExchangeSettings | None = None
    """HTTP: calls are sent in the name of their user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConnection:
    """How one model API is reached. `repr` shows no header."""

    name: str
    url: str
    headers: Mapping[str, Value] = field(default_factory=dict[str, Value], repr=False)
    """In lower case, the credential among them."""
    silence_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSettings:
    """The control plane as people reach it."""

    public_url: str = ""
    """Without a trailing slash; empty where none was configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationSettings:
    """What clients without a credential are told (RFC 9728)."""

    issuers: tuple[str, ...] = ()
    """Issuer identifiers of authorization servers, as written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """Where the policies are, and whose clock they read."""

    folder: Path | None = None
    """None: the file names none, so it is `policies` beside it, if that exists."""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSettings:
    """One HashiCorp Vault or OpenBao."""

    address: str
    token: SecretRef
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Where references of the kinds that need to be told are looked up."""

    vault: VaultSettings | None = None


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    url: str
    key: VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSettings:
    """One of `file`, `git` and `webhook` is given."""

    file: Path | None = None
    git: Path | None = None
    branch: str = ""
    remote: str = ""
    webhook: str = field(default="", repr=False)
    secret: SecretRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardSettings:
    """Either `ocsf` or `syslog` is given."""

    ocsf: str = field(default="", repr=False)
    headers: Mapping[str, Value] = field(default_factory=dict[str, Value], repr=False)
    syslog: str = ""
    ca: Path | None = None
    bodies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Where the log goes besides its store, and what of it is dropped."""

    witnesses: tuple[WitnessSettings, ...] = ()
    quorum: int = 0
    anchors: tuple[AnchorSettings, ...] = ()
    forward: tuple[ForwardSettings, ...] = ()
    keep_bodies_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """PEM files, absolute."""

    cert: Path
    key: Path
    client_ca: Path | None = None
    client_certs_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenSettings:
    """Where agents connect over TCP."""

    address: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    tls: TlsSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """The issuer that people log in at. `Rules.people` says what becomes of them."""

    issuer: str
    client: str
    secret: SecretRef | None
    scopes: tuple[str, ...]
    label: str
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """One collector of traces. `repr` shows neither address nor headers."""

    endpoint: str = field(repr=False)
    headers: Mapping[str, Value] = field(default_factory=dict[str, Value], repr=False)
    sample: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One valid configuration file."""

    rules: Rules
    servers: Mapping[ServerId, ServerConnection]
    alerts: AlertSettings
    control: ControlSettings
    warnings: tuple[str, ...]
    """One line each, with file, line and column; for operators. Never a secret value."""
    path: Path
    digest: Digest
    """Of the canonical parsed configuration; equal to `rules.digest`."""
    policies: PolicySettings = PolicySettings()
    commands: tuple[Path, ...] = ()
    """Files that describe commands, besides those that come with the gateway."""
    own_commands: OwnCommands | None = None
    """What they said when this was loaded; None: there are none."""
    authorization: AuthorizationSettings = AuthorizationSettings()
    log: LogSettings = LogSettings()
    listen: ListenSettings = ListenSettings()
    identity: Believed = Believed()
    oidc: OidcSettings | None = None
    secrets: SecretSettings = SecretSettings()
    egress_secrets: Mapping[str, SecretRef] = field(default_factory=dict[str, SecretRef])
    """What egress rules put into headers, by where it is found."""
    models: Mapping[str, ModelConnection] = field(default_factory=dict[str, ModelConnection])
    """By the upstream's name."""
    minters: Mapping[str, MinterPlace] = field(default_factory=dict[str, MinterPlace])
    """Per minter, what it is made of."""
    scrape_token: SecretRef | None = None
    """What opens `/metrics` to whoever is no operator; None: nothing does."""
    otlp: OtlpSettings | None = None
    """None: no traces are sent."""
