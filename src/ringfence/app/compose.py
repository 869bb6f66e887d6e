"""The one file that knows every adapter: it wires them to the engine, and nothing else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ringfence.adapters.signers.file_key import open_file_key
from ringfence.adapters.stores.sqlite.disk import Disk
from ringfence.adapters.stores.sqlite.lock import StateLock
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.system.entropy import SystemEntropy
from ringfence.adapters.system.lever import FileLever
from ringfence.adapters.upstream.http import HttpUpstream
from ringfence.adapters.upstream.missing import MissingUpstream
from ringfence.adapters.upstream.options import HttpOptions, StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.adapters.wire.mcp import Era as WireEra
from ringfence.app.config.secret_values import resolve_all
from ringfence.app.config.settings import AlertSettings, Era, Loaded, ServerConnection, TransportKind
from ringfence.app.gateway import Gateway
from ringfence.core.model import ServerId
from ringfence.engine.alerts import Alerts
from ringfence.engine.approvals import Approvals
from ringfence.engine.catalogue import Catalogue
from ringfence.engine.checkpointer import Checkpointer
from ringfence.engine.enforce import Enforcer
from ringfence.engine.housekeeping import Housekeeping
from ringfence.engine.ids import Ids
from ringfence.engine.inflight import Inflight
from ringfence.engine.operators import Operators
from ringfence.engine.recovery import recover
from ringfence.engine.runs import Runs
from ringfence.engine.steps import AtStep, nothing
from ringfence.engine.stops import Stops
from ringfence.errors import ConfigError
from ringfence.ports.notifier import Notifier
from ringfence.ports.upstream import Upstream

LOG_ORIGIN = "ringfence.log"
_ERAS = {Era.AUTO: None, Era.LEGACY: WireEra.LEGACY, Era.MODERN: WireEra.MODERN}


def build_upstream(connection: ServerConnection) -> Upstream:
    """The adapter of one configured server; one that cannot be used says why, and stops only what needs it."""
    try:
        if connection.kind is TransportKind.HTTP:
            headers = resolve_all(connection.headers, os.environ)
            return HttpUpstream(HttpOptions(url=connection.url, headers=headers, era=_ERAS[connection.era]))
        return StdioUpstream(
            StdioOptions(
                command=connection.command[0],
                args=connection.command[1:],
                env=resolve_all(connection.env, os.environ),
                cwd=str(connection.cwd) if connection.cwd else None,
                era=_ERAS[connection.era],
            )
        )
    except ConfigError as error:
        return MissingUpstream(str(error))


async def list_tools_of(connection: ServerConnection) -> tuple[Mapping[str, Any], ...]:
    """Connect to one server, list its tools, let go of it. Raises UnavailableError."""
    upstream = build_upstream(connection)
    try:
        return await upstream.list_tools()
    finally:
        await upstream.close()


async def compose(
    loaded: Loaded, state: Path, notifier: Notifier, at_step: AtStep = nothing, disk: Disk | None = None
) -> Gateway:
    """Wire one gateway on a locked state directory, and put right what the last process left open.

    `at_step` and `disk` are for test builds that crash or fail at a chosen moment; a product build leaves them alone.
    """
    clock, entropy = SystemClock(), SystemEntropy()
    store: SqliteStore = await open_store(state, disk=disk)
    signer = open_file_key(state / "log.key", LOG_ORIGIN, create=True)
    await recover(store, clock)
    ids, inflight = Ids(entropy), Inflight()
    upstreams = {server: build_upstream(connection) for server, connection in loaded.servers.items()}
    catalogue = Catalogue(loaded.rules, upstreams, clock)
    alerts = Alerts(notifier, ids, clock)
    approvals = Approvals(store=store, clock=clock, catalogue=catalogue, at_step=at_step)
    stops = Stops(
        store=store,
        clock=clock,
        ids=ids,
        inflight=inflight,
        approvals=approvals,
        catalogue=catalogue,
        alerts=alerts,
        at_step=at_step,
    )
    checkpointer = Checkpointer(store, signer)
    return Gateway(
        clock=clock,
        entropy=entropy,
        store=store,
        log=store,
        signer=signer,
        notifier=notifier,
        catalogue=catalogue,
        alerts=alerts,
        inflight=inflight,
        enforcer=Enforcer(
            store=store, clock=clock, ids=ids, catalogue=catalogue, alerts=alerts, inflight=inflight, at_step=at_step
        ),
        approvals=approvals,
        runs=Runs(store=store, clock=clock, ids=ids, catalogue=catalogue),
        stops=stops,
        operators=Operators(store=store, clock=clock, ids=ids),
        checkpointer=checkpointer,
        housekeeping=Housekeeping(
            clock=clock,
            store=store,
            stops=stops,
            approvals=approvals,
            catalogue=catalogue,
            checkpointer=checkpointer,
            alerts=alerts,
            lever=FileLever(state / "KILL"),
        ),
    )
