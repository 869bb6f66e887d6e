"""One gateway process from start to end: lock, wire, listen, say `ready`, serve, drain, sign, let go."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from socket import socket
from typing import Any

from ringfence.app.config.connections import is_loopback
from ringfence.app.config.settings import ListenSettings
from ringfence.app.control.app import build_control
from ringfence.app.control.runs import count_unbound
from ringfence.app.control.scraping import Scraping
from ringfence.app.control.server import ControlServer, listen_tcp, listen_unix
from ringfence.app.control.services import ControlServices
from ringfence.app.gateway import Gateway
from ringfence.app.posture import stated_posture
from ringfence.app.reload import Reloader
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.run import Posture
from ringfence.ports.people import PeopleIssuer

logger = logging.getLogger(__name__)

AGENT_SOCKET = "agents.sock"
CONTROL_SOCKET = "control.sock"
BOX_SOCKET = "boxes.sock"
LISTING_S = 20.0
"""How long a start waits for servers to list their tools; those that are late are asked again later."""

ServeAgents = Callable[[list[socket], tuple[str, ...], asyncio.Event, Callable[[], None]], Awaitable[None]]
"""Serve the data plane on sockets, for these values of `Host`, until the event; call back when it accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where one process listens. Port 0 means any free one."""

    state: Path
    port: int
    control_port: int | None
    unsafe_same_user: bool


def control_services(
    gateway: Gateway, reloader: Reloader | None, people_issuer: PeopleIssuer, scraping: Scraping, listening: dict[str, Any]
) -> ControlServices:
    """What people's side stands on."""
    own_uid = os.getuid()
    posture, _ = stated_posture(gateway.catalogue.rules.agents.values(), own_uid)

    async def reload() -> str | None:
        return await reloader.reload() if reloader else "no gateway is running"

    return ControlServices(
        store=gateway.store,
        log=gateway.log,
        clock=gateway.clock,
        entropy=gateway.entropy,
        signer=gateway.signer,
        approvals=gateway.approvals,
        stops=gateway.stops,
        guards=gateway.guards,
        signals=gateway.signals,
        runs=gateway.runs,
        outsiders=gateway.outsiders,
        operators=gateway.operators,
        people=gateway.people,
        people_issuer=people_issuer,
        pins=gateway.pins,
        budgets=gateway.budgets,
        labels=gateway.labels,
        steering=gateway.steering,
        handoffs=gateway.handoffs,
        catalogue=gateway.catalogue,
        alerts=gateway.alerts,
        checkpointer=gateway.checkpointer,
        log_care=gateway.log_care,
        scraping=scraping,
        reload=reload,
        status=lambda: listening,
        posture=posture,
        version=version("ringfence"),
        own_uid=own_uid,
        public_url=reloader.loaded.control.public_url if reloader else "",
    )


async def serve(
    gateway: Gateway,
    reloader: Reloader,
    serve_agents: ServeAgents,
    serve_boxes: Callable[[socket], Awaitable[None]],
    people_issuer: PeopleIssuer,
    scraping: Scraping,
    listen: Listening,
) -> int:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again. Answers the exit code."""
    raise_descriptors()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    reloads: set[asyncio.Task[Any]] = set()

    def hang_up() -> None:
        task = asyncio.create_task(reloader.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    where = reloader.loaded.listen
    agents_tcp = listen_tcp(where.address, listen.port)
    agents_unix = listen_unix(listen.state / AGENT_SOCKET, 0o666)
    port = int(agents_tcp.getsockname()[1])
    about: dict[str, Any] = {
        "agents": f"{'http' if where.tls is None else 'https'}://{_in_url(where.address)}:{port}/mcp",
        "agents_socket": str(listen.state / AGENT_SOCKET),
        "control_socket": str(listen.state / CONTROL_SOCKET),
        "config": str(reloader.loaded.path),
        "started_at": gateway.clock.now(),
    }
    control = [listen_unix(listen.state / CONTROL_SOCKET)]
    if listen.control_port is not None:
        control.append(listen_tcp("127.0.0.1", listen.control_port))
        about["control"] = f"http://127.0.0.1:{control[1].getsockname()[1]}/"
    app = build_control(control_services(gateway, reloader, people_issuer, scraping, about))
    people = [ControlServer(app, listening) for listening in control]
    if (agent := await gateway.anonymous.prepare()) is not None:
        _say_anonymous(agent)
    await _first_listing(gateway)
    hosts = served_hosts(where, port)
    accepting = asyncio.Event()
    agents = asyncio.ensure_future(serve_agents([agents_tcp, agents_unix], hosts, stop, accepting.set))
    for server in people:
        await server.start()
    keeping = asyncio.create_task(gateway.housekeeping.run())
    await _first(accepting.wait(), agents)
    boxes = asyncio.ensure_future(serve_boxes(listen_unix(listen.state / BOX_SOCKET)))
    await gateway.housekeeping.look_at_lever()
    posture = _say_posture(gateway, listen)
    unbound = await _say_unbound(gateway, where)
    await gateway.note("gateway started", {"posture": posture, "rules": reloader.loaded.digest, "unbound_runs": unbound})
    settle_memory()
    _say_ready(about, gateway)
    ended = await _first(stop.wait(), agents, keeping, boxes)
    code = 0
    if ended is not None:
        logger.critical("a part of the gateway ended by itself", exc_info=ended)
        code = 3
    stop.set()
    logger.info("stopping")
    boxes.cancel()
    await asyncio.gather(boxes, return_exceptions=True)
    await gateway.connections.close()
    await gateway.models.close()
    await gateway.hooks.close()
    await gateway.local.close()
    await gateway.drain()
    keeping.cancel()
    await asyncio.gather(agents, keeping, *(server.stop() for server in people), return_exceptions=True)
    return code


def served_hosts(where: ListenSettings, port: int) -> tuple[str, ...]:
    """The values of `Host` that the data plane answers. A name counts without a port too where the port is that of https."""
    named = [f"{host}:{port}" for host in (_in_url(where.address), *where.hosts)]
    usual = [*where.hosts] if where.tls is not None and port == 443 else []
    return (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "localhost", "ringfence", *named, *usual)


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def raise_descriptors() -> None:
    """As many as the machine lets this process have: each connection is one, a tunnel out of a box two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle_memory() -> None:
    """What is loaded by now lives as long as the process: the collector need not look at it again, nor so often at the rest.

    A call makes a few hundred short-lived objects in no cycle; with the default threshold a third of its time was collecting.
    Nothing is collected before: it would cost a tenth of a start and give no page back.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _first(*waits: Awaitable[Any]) -> BaseException | None:
    """Wait until one is done; the exception that it ended with, if any. Waits that were made here are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if not tasks[0].done():
        tasks[0].cancel()
    return next((task.exception() for task in done if task is not tasks[0] and not task.cancelled()), None)


async def _first_listing(gateway: Gateway) -> None:
    try:
        async with asyncio.timeout(LISTING_S):
            await gateway.catalogue.ensure_listed()
    except TimeoutError:
        logger.warning("some servers have not listed their tools yet")
    for server, why in gateway.catalogue.health().items():
        if why:
            logger.warning("server %s: %s; its tools do not exist until it answers", server, why)


def _red() -> tuple[str, str]:
    """What turns a terminal red, and back."""
    return ("\033[1;31m", "\033[0m") if sys.stderr.isatty() else ("", "")


def _say_anonymous(agent: AgentId) -> None:
    red, plain = _red()
    print(
        f"{red}anonymous: {agent}{plain}. Whoever connects from this machine without a credential is this agent"
        " (`unsafe_anonymous`), also through a proxy or tunnel that runs here.",
        file=sys.stderr,
        flush=True,
    )


async def _say_unbound(gateway: Gateway, where: ListenSettings) -> int:
    """How many open runs can be used by whoever knows their credential; that belongs to the posture."""
    count = await count_unbound(gateway.store, await gateway.store.runs(), gateway.clock.now())
    if count:
        red, plain = _red()
        print(
            f"{red}unbound: {count}{plain}. Open runs whose credential is bound to no sender: whoever learns it can use it"
            f"{'' if is_loopback(where.address) else ', from other machines too'}.\n"
            "  `ringfence run list` shows them; bind them (`--bind`, `--dpop-jkt`) or close them.",
            file=sys.stderr,
            flush=True,
        )
    return count


def _say_posture(gateway: Gateway, listen: Listening) -> str:
    posture, sharing = stated_posture(gateway.catalogue.rules.agents.values(), os.getuid())
    if posture is Posture.SHARED and not listen.unsafe_same_user:
        red, plain = _red()
        print(
            f"{red}posture: shared{plain}. {', '.join(sharing)} may run as this very user, so a shell of theirs could reach the"
            " gateway's state: the boundary is advisory for them.\n"
            "  Run the gateway under its own user, or declare `only_mcp: true` for agents without shell and files;"
            " --unsafe-same-user silences this, not the record.",
            file=sys.stderr,
            flush=True,
        )
    return posture.value


def _say_ready(about: dict[str, Any], gateway: Gateway) -> None:
    posture, _ = stated_posture(gateway.catalogue.rules.agents.values(), os.getuid())
    people = (
        f"{about['control']} and unix:{about['control_socket']}" if "control" in about else f"unix:{about['control_socket']}"
    )
    print(f"ready agents {about['agents']} people {people} posture {posture.value}", flush=True)
