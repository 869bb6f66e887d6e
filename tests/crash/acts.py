"""What is done before the crash, and what is under way when it comes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp
from tests.crash.cases import Kind
from tests.crash.scene import APPROVED, CONSUMED, DENIED, PENDING, WITHDRAWN, Scene, Side
from tests.servers.gateway_process import People

from ringfence.testing.crashing import ARMED


async def prepare(scene: Scene, side: Side) -> None:
    """Everything that has to be there before it dies."""
    match scene.case.kind:
        case Kind.CLAIM | Kind.RETRY:
            for number in range(scene.case.calls):
                await scene.approved(side, number)
        case Kind.VOTE | Kind.HALF_VOTE | Kind.DENIAL:
            await scene.asked(side, 0)
        case Kind.KILL:
            await scene.approved(side, 0)
            await scene.asked(side, 1)
        case _:
            pass


async def act(scene: Scene, side: Side) -> None:
    match scene.case.kind:
        case Kind.READ | Kind.REGULATED_READ | Kind.WRITE:
            for number in range(scene.case.calls):
                await scene.call(side, number)
        case Kind.ASK:
            answer = await side.clients.call(scene.credential, scene.tool.wire, scene.arguments(0))
            assert answer.ticket is not None, answer
            scene.told.may_be[answer.ticket] = PENDING
        case Kind.CLAIM:
            for ticket, number in zip(scene.tickets, range(scene.case.calls), strict=True):
                await scene.claim(side, ticket["id"], number)
        case Kind.RETRY:
            scene.told.may_be[scene.tickets[0]["id"]] = APPROVED | CONSUMED
            scene.told.due[scene.key(0)] += 1
            scene.note_result(0, await side.clients.call(scene.credential, scene.tool.wire, scene.arguments(0)))
        case Kind.VOTE:
            await vote(scene, side.bob, "bob", "approve", PENDING | APPROVED, APPROVED)
        case Kind.HALF_VOTE:
            await vote(scene, side.bob, "bob", "approve", PENDING, PENDING)
        case Kind.DENIAL:
            await vote(scene, side.bob, "bob", "deny", PENDING | DENIED, DENIED)
        case Kind.KILL:
            await kill(scene, side)
        case Kind.HELD:
            raise AssertionError("a held call is driven by _crash_held")


async def crash_held(scene: Scene, side: Side) -> None:
    """The client waits while a person decides, and the process dies somewhere between the vote and the reply."""
    waiting = asyncio.create_task(scene.call(side, 0))
    ticket = await side.ada.waiting()
    scene.tickets.append(ticket)
    (scene.directory / ARMED).touch()
    # The vote may be answered, or not; the call may be on its way, or not.
    scene.told.may_be[ticket["id"]] = PENDING | APPROVED | CONSUMED
    with suppress(aiohttp.ClientError, ConnectionError):
        await scene.must(side.bob.decide(ticket, "approve"))
        scene.voted(ticket["id"], "bob", APPROVED | CONSUMED)
    with suppress(aiohttp.ClientError, ConnectionError):
        await waiting


async def vote(scene: Scene, person: People, name: str, decision: str, unknown: frozenset[str], known: frozenset[str]) -> None:
    ticket = scene.tickets[0]
    scene.told.may_be[ticket["id"]] = unknown
    status, answer = await person.decide(ticket, decision)
    assert status == 200, answer
    scene.voted(ticket["id"], name, known)


async def kill(scene: Scene, side: Side) -> None:
    for ticket in scene.tickets:
        scene.told.may_be[ticket["id"]] |= WITHDRAWN
    stopped = await side.ada.done("POST", "/kill", {"scope": scene.scope(), "reason": "as the test says"})
    scene.told.stop = stopped["stop"]["id"]
    scene.told.withdrawn = tuple(stopped["withdrawn"])
    for ticket in scene.told.withdrawn:
        scene.told.may_be[ticket] = WITHDRAWN
