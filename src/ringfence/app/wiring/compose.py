"""Wires one gateway: its store, its engine, its enforcement points and its faces."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from ssl import SSLContext

import uvloop

from ringfence.adapters.files.disk import DiskFiles
from ringfence.adapters.identity.dpop import DpopProofs
from ringfence.adapters.identity.outside import Authorities
from ringfence.adapters.identity.people import OidcPeople
from ringfence.adapters.parsers.sql import SqlglotReader
from ringfence.adapters.pep.mcp_gateway.app import McpGateway
from ringfence.adapters.pep.mcp_gateway.peer import Peer
from ringfence.adapters.pep.mcp_gateway.server import serve as serve_data_plane
from ringfence.adapters.signers.file_key import open_file_key
from ringfence.adapters.stores.sqlite.disk import Disk
from ringfence.adapters.stores.sqlite.lock import StateLock
from ringfence.adapters.stores.sqlite.raw import raw_log
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.adapters.stores.sqlite.writer import untimed
from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.system.entropy import SystemEntropy, fresh_salt
from ringfence.adapters.system.lever import FileLever
from ringfence.adapters.telemetry.metrics import PrometheusMetrics
from ringfence.app.command_profiles import KnownCommands
from ringfence.app.config.alert_settings import AlertSettings
from ringfence.app.config.load import load_config
from ringfence.app.config.settings import (
    ControlSettings,
    Loaded,
    ServerConnection,
)
from ringfence.app.control.scraping import Scraping
from ringfence.app.control.services import ControlServices
from ringfence.app.gateway import Gateway
from ringfence.app.posture import connection_posture
from ringfence.app.redaction import literal_secrets, redact_logs, references
from ringfence.app.reload import Reloader
from ringfence.app.up import Listening, ServeAgents, control_services, serve
from ringfence.app.wiring.automata import adopt_automata, keep_automata
from ringfence.app.wiring.boxes import BOX_HOSTS, Joined, reading, serve_boxes_of
from ringfence.app.wiring.exchange import exchanges_of
from ringfence.app.wiring.hooks import with_hooks
from ringfence.app.wiring.identity import people_options, tls_of
from ringfence.app.wiring.local import IGNORES_CASE, GatewayJudging, home_of
from ringfence.app.wiring.log import build_outlets
from ringfence.app.wiring.minters import Minters
from ringfence.app.wiring.models import ModelUpstreams, with_models
from ringfence.app.wiring.notifiers import Receivers
from ringfence.app.wiring.secrets import build_secrets, sources_of
from ringfence.app.wiring.server_boxes import ServerBoxing
from ringfence.app.wiring.telemetry import GatewayTelemetry
from ringfence.app.wiring.upstreams import build_upstream
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import ED25519
from ringfence.core.model.identifiers import Digest
from ringfence.core.model.run import Posture
from ringfence.core.rules import Rules
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.identity.on_behalf import OnBehalf
from ringfence.engine.secrets.injection import Injection
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.engine.steps import AtStep, nothing
from ringfence.engine.upkeep.recovery import distrust_time, recover
from ringfence.errors import UnavailableError
from ringfence.ports.identity import Outside
from ringfence.ports.notifier import Notifier
from ringfence.ports.upstream import Upstream

logger = logging.getLogger(__name__)

LOG_ORIGIN = "ringfence.log"


async def compose(
    loaded: Loaded,
    state: Path,
    notifier: Notifier,
    secrets: SecretBook,
    redactor: Redactor,
    at_step: AtStep = nothing,
    disk: Disk | None = None,
    boxing: ServerBoxing | None = None,
    models: ModelUpstreams | None = None,
    telemetry: GatewayTelemetry | None = None,
    known: KnownCommands | None = None,
) -> Gateway:
    """Wire one gateway on a locked state directory, and put right what the last process left open.

    `at_step` and `disk` are for test builds that crash or fail at a chosen moment; a product build leaves them alone.
    """
    commands = known or KnownCommands(loaded.own_commands)
    adopt_automata(state)
    clock = SystemClock(state / "clock")
    store: SqliteStore = await open_store(
        state, disk=disk, salt=fresh_salt, timed=telemetry.metrics.counters.timed if telemetry is not None else untimed
    )
    signer = open_file_key(state / "log.key", LOG_ORIGIN, create=True)
    files = DiskFiles(ignores_case=IGNORES_CASE)
    minters = Minters(signer.public_key, secrets, clock, SystemEntropy())
    await distrust_time(store, store, clock)
    await recover(store, clock)
    gateway = Gateway.assemble(
        loaded.rules,
        {server: build_upstream(connection, secrets, redactor.text, boxing) for server, connection in loaded.servers.items()},
        store=store,
        log=store,
        clock=clock,
        entropy=SystemEntropy(),
        signer=signer,
        notifier=notifier,
        lever=FileLever(state / "KILL"),
        outlets=build_outlets(loaded.log, state, LOG_ORIGIN, secrets),
        injection=Injection(secrets, minters.of, loaded.minters, redactor.learn_minted),
        on_behalf=OnBehalf(
            clock, redactor.learn, exchanges_of(loaded.servers, secrets, clock), learn_passing=redactor.learn_minted
        ),
        redactor=redactor,
        read_secret=reading(secrets, loaded.egress_secrets),
        sql=SqlglotReader(),
        models=(models or ModelUpstreams(secrets)).of(loaded.models),
        telemetry=telemetry.told if telemetry is not None else None,
        judges=lambda scanner: GatewayJudging(scanner, files, commands),
        files=files,
        home_of=home_of,
        ignores_case=IGNORES_CASE,
        at_step=at_step,
    )
    if boxing is not None:
        boxing.use(gateway, redactor)
        if any(connection.box is not None for connection in loaded.servers.values()):
            await boxing.sweep()
    await gateway.stops.finish()
    keep_automata(state)
    return gateway


def serve_agents_of(
    gateway: Gateway,
    issuers: Callable[[], Sequence[str]] = tuple,
    outside: Outside | None = None,
    tls: SSLContext | None = None,
    joined: Joined | None = None,
) -> ServeAgents:
    """The data plane of a gateway. `issuers` are the authorization servers that its metadata names."""
    own_uid = os.getuid()
    scheme = "http" if tls is None else "https"

    def posture_of(peer: Peer) -> Posture:
        return Posture.BOXED if peer.box is not None else connection_posture(peer.uid, own_uid)

    async def serve_agents(
        sockets: list[socket], hosts: tuple[str, ...], stop: asyncio.Event, on_ready: Callable[[], None]
    ) -> None:
        app = McpGateway(
            enforcer=gateway.enforcer,
            approvals=gateway.approvals,
            runs=gateway.runs,
            catalogue=gateway.catalogue,
            store=gateway.store,
            clock=gateway.clock,
            entropy=gateway.entropy,
            allowed_hosts=(*hosts, *BOX_HOSTS),
            allowed_origins=[f"{scheme}://{host}" for host in hosts],
            posture_of=posture_of,
            anonymous=gateway.anonymous,
            notices=gateway.notices,
            issuers=issuers,
            proofs=DpopProofs(gateway.clock, gateway.entropy),
            outside=outside,
            outsiders=gateway.outsiders,
        )
        on_joinable = joined.set if joined is not None else lambda make: None
        served = (*hosts, *BOX_HOSTS)
        beside = with_models(gateway, app, served, posture_of, gateway.clock)
        every, end_hooks = with_hooks(gateway, beside, served, posture_of, gateway.clock)

        async def on_stop() -> None:
            await end_hooks()
            await app.close()

        await serve_data_plane(every, sockets, stop=stop, on_ready=on_ready, on_stop=on_stop, on_joinable=on_joinable, tls=tls)

    return serve_agents


def run_gateway(
    config: Path,
    state: Path,
    *,
    port: int = 7410,
    control_port: int | None = None,
    unsafe_same_user: bool = False,
    at_step: AtStep = nothing,
    disk: Disk | None = None,
    redactor: Redactor | None = None,
) -> int:
    """`ringfence up`: serve in the foreground until a signal. Answers the exit code. Raises ConfigError, UnavailableError."""
    loaded = load_config(config)
    redactor = redactor if redactor is not None else Redactor()
    redactor.learn_lasting(literal_secrets(loaded))
    redact_logs(redactor)
    for warning in loaded.warnings:
        logger.warning("%s", warning)
    with locked(state):
        listen = Listening(state=state, port=port, control_port=control_port, unsafe_same_user=unsafe_same_user)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(loaded, listen, redactor, at_step, disk))


async def _serve(loaded: Loaded, listen: Listening, redactor: Redactor, at_step: AtStep, disk: Disk | None) -> int:
    tls = tls_of(loaded.listen)
    secrets = build_secrets(loaded.secrets, redactor)
    await _acquaint(secrets, loaded)
    receivers = Receivers(loaded, secrets)
    notifier = receivers.notifier
    boxing, models = ServerBoxing(listen.state), ModelUpstreams(secrets)
    telemetry = GatewayTelemetry(loaded.otlp, loaded.scrape_token, secrets)
    commands = KnownCommands(loaded.own_commands)
    gateway = await compose(
        loaded, listen.state, notifier, secrets, redactor, at_step, disk, boxing, models, telemetry, commands
    )

    outside = Authorities(loaded.identity, gateway.clock)
    people = OidcPeople(people_options(loaded.oidc, secrets), gateway.clock)

    async def look_anew(fresh: Loaded) -> None:
        commands.replace(fresh.own_commands)  # before any await: the rules that they go with are in force already
        redactor.learn_lasting(literal_secrets(fresh))
        await secrets.replace(sources_of(fresh.secrets, secrets))
        await _acquaint(secrets, fresh)
        gateway.injection.replace(fresh.minters)
        gateway.connections.read_secret = reading(secrets, fresh.egress_secrets)
        await gateway.models.replace(models.of(fresh.models))
        gateway.on_behalf.replace(exchanges_of(fresh.servers, secrets, gateway.clock))
        receivers.replace(fresh)
        outside.replace(fresh.identity)
        people.replace(people_options(fresh.oidc, secrets))
        telemetry.replace(fresh.otlp, fresh.scrape_token)

    try:

        def build(connection: ServerConnection) -> Upstream:
            return build_upstream(connection, secrets, redactor.text, boxing)

        reloader = Reloader(gateway, loaded, build, look_anew)
        joined = Joined()
        agents = serve_agents_of(gateway, lambda: _told_issuers(reloader.loaded), outside, tls, joined)
        boxes = serve_boxes_of(gateway, redactor, joined)
        return await serve(gateway, reloader, agents, boxes, people, Scraping(telemetry.metrics, telemetry.admits), listen)
    finally:
        await gateway.close()
        boxing.close()
        await outside.close()
        await people.close()
        await telemetry.told.close()
        await secrets.close()


def _told_issuers(loaded: Loaded) -> tuple[str, ...]:
    """Whom clients without a credential are told to ask: what the operator wrote, else the issuers that are believed."""
    return loaded.authorization.issuers or tuple(issuer.url for issuer in loaded.identity.issuers)


async def _acquaint(secrets: SecretBook, loaded: Loaded) -> None:
    """Know every secret before anything is said or heard. One that is missing stops only what needs it."""
    for why in await secrets.acquaint(references(loaded)):
        logger.error("%s: what needs it cannot be used until it is there", why)


def locked(state: Path) -> StateLock:
    """The state directory, made if need be, held by this process alone. Others may pass through it to the agents' socket."""
    try:
        state.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"cannot make the state directory {state}: {error.strerror}", remedy="choose another --state"
        ) from error
    return StateLock(state)


@asynccontextmanager
async def offline(state: Path) -> AsyncGenerator[ControlServices]:
    """People's side without a running gateway: for adding operators and reading the log. Holds the state's lock meanwhile."""
    nothing_configured = Loaded(
        rules=Rules(digest=Digest(""), servers={}, tools={}, agents={}),
        servers={},
        alerts=AlertSettings(),
        control=ControlSettings(),
        warnings=(),
        path=state,
        digest=Digest(""),
    )
    with locked(state):
        secrets = build_secrets(nothing_configured.secrets)
        notifier = Receivers(nothing_configured, secrets).notifier
        gateway = await compose(nothing_configured, state, notifier, secrets, Redactor())
        try:
            yield control_services(gateway, None, OidcPeople(None, gateway.clock), Scraping(PrometheusMetrics()), {})
        finally:
            await gateway.checkpointer.checkpoint()
            await gateway.log_care.close()
            await gateway.notifier.close()
            await gateway.store.close()
            await secrets.close()


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A log as it lies in a state directory whose gateway does not run, with nothing checked."""

    leaves: Iterator[bytes]
    note: str | None
    """The newest signed head."""
    key: VerifierKey


def stored_log(state: Path) -> StoredLog:
    """For verification: also a store that a gateway would refuse to open is read. Raises UnavailableError, ConfigError."""
    with locked(state):
        signer = open_file_key(state / "log.key", LOG_ORIGIN)
        leaves, note = raw_log(state)
        return StoredLog(leaves, note, VerifierKey(signer.name, ED25519, signer.public_key))
