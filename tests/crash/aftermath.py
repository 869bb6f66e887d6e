"""What is seen after the restart, and what clients and operators do next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.crash.cases import Kind
from tests.crash.judge import (
    Findings,
    key_of,
    label_faults,
    open_ends,
    results_without_outcome,
    returned_without_execution,
    said_not_sent,
    stop_faults,
    ticket_faults,
    too_often,
    without_entry,
)
from tests.crash.scene import APPROVED, CLAIM, CONSUMED, DENIED, PENDING, Scene, Side

from ringfence.core.model.stop import ScopeKind


async def look(scene: Scene, side: Side) -> None:
    """Judge everything that can be seen now."""
    log, executed = await side.ada.log(), scene.shop.executed(scene.case, scene.directory, scene.marker)
    scene.verdict.executed = len(executed)
    unrecorded = without_entry(executed, log)
    found = Findings(
        executed_twice=too_often(executed, scene.told.due),
        other=[*open_ends(log), *returned_without_execution(executed, log), *results_without_outcome(scene.told.results, log)],
    )
    if scene.case.kind is Kind.READ:
        # Sent at once: only its result waits for the journal, and that no client has one is looked at above.
        scene.verdict.reads_before_their_entry = len(unrecorded)
    else:
        found.executed_without_entry = unrecorded
        found.other += said_not_sent(executed, log)
    for ticket, may_be in scene.told.may_be.items():
        view = await side.ada.approval(ticket)
        found.lost_tickets += ticket_faults(ticket, view, may_be, log)
        voters = {vote["operator"] for vote in view["votes"]} if view else set[str]()
        found.lost_tickets += [
            f"{ticket} lost the vote of {by}" for of, by in scene.told.votes if of == ticket and by not in voters
        ]
    label = (await side.ada.done("GET", f"/runs/{scene.run}"))["label"]
    least = "regulated" if scene.case.kind is Kind.REGULATED_READ else "public"
    found.lost_labels += label_faults(scene.told.results, label, least)
    stops = [stop["id"] for stop in (await side.ada.done("GET", "/stops"))["stops"]]
    found.lost_kills += stop_faults(scene.told.stop, stops, log)
    if set(scene.told.may_be) != {ticket["id"] for ticket in await scene.all_tickets(side)} and scene.case.kind is not Kind.ASK:
        found.lost_tickets.append("there are tickets that nobody asked for")
    scene.verdict.findings.add(found)


async def go_on(scene: Scene, side: Side) -> None:
    """What clients and operators do next, who know no more than what they were told."""
    match scene.case.kind:
        case Kind.READ | Kind.REGULATED_READ | Kind.WRITE:
            for number in range(scene.case.calls):
                await scene.call(side, number)
        case Kind.ASK:
            await finish_asking(scene, side)
        case Kind.CLAIM | Kind.RETRY | Kind.HELD:
            for number, ticket in enumerate(scene.tickets):
                await finish_claim(scene, side, ticket, number)
        case Kind.VOTE | Kind.HALF_VOTE:
            await finish_vote(scene, side)
        case Kind.DENIAL:
            await finish_denial(scene, side)
        case Kind.KILL:
            await finish_kill(scene, side)


async def finish_asking(scene: Scene, side: Side) -> None:
    """The client repeats its call: a ticket that it saw is still the one, and after approval it is executed once."""
    known = {ticket["id"] for ticket in await side.ada.pending()}
    scene.told.due[scene.key(0)] += 1
    ticket = await scene.asked(side, 0)
    if known and known != {ticket["id"]}:
        scene.verdict.findings.lost_tickets.append(f"{known} waited, and the same call was asked again as {ticket['id']}")
    await scene.must(side.bob.decide(ticket, "approve"))
    scene.voted(ticket["id"], "bob", APPROVED)
    scene.told.due[scene.key(0)] -= 1
    await scene.claim(side, ticket["id"], 0)


async def finish_claim(scene: Scene, side: Side, ticket: Mapping[str, Any], number: int) -> None:
    """Claimed again, and repeated: never executed a second time without a new approval."""
    view = await side.ada.approval(ticket["id"])
    assert view is not None
    if view["state"] == "pending":
        await scene.must(side.bob.decide(ticket, "approve"))
        scene.voted(ticket["id"], "bob", APPROVED)
    before = scene.count(number)
    answer = await side.clients.call(scene.credential, CLAIM, {"ticket": ticket["id"]})
    if view["state"] == "consumed":
        scene.expect(answer.code == "approval_ended" and scene.count(number) == before, f"a used ticket gave {answer}")
    else:
        scene.expect(answer.is_result and scene.count(number) == before + 1, f"an approved ticket gave {answer}")
    scene.told.may_be[ticket["id"]] = CONSUMED
    again = await side.clients.call(scene.credential, CLAIM, {"ticket": ticket["id"]})
    scene.expect(again.code == "approval_ended", f"a ticket was claimed twice: {again}")
    repeated = asyncio.create_task(side.clients.call(scene.credential, scene.tool.wire, scene.arguments(number)))
    fresh = await side.ada.waiting()
    scene.expect(fresh["id"] != ticket["id"], "a used ticket waits again")
    scene.told.may_be[fresh["id"]] = DENIED
    await scene.must(side.bob.decide(fresh, "deny"))
    scene.told.votes.append((fresh["id"], "bob"))
    denied = await repeated
    scene.expect(denied.code in ("approval_denied", "approval_pending"), f"a denied call gave {denied}")


async def finish_vote(scene: Scene, side: Side) -> None:
    """Who voted may not vote again, who did not can; then it is executed once."""
    ticket = scene.tickets[0]
    view = await side.ada.approval(ticket["id"])
    assert view is not None
    for name, person in (("bob", side.bob), ("cy", side.cy))[: view["quorum"]]:
        status, answer = await person.decide(ticket, "approve")
        counted = name in {vote["operator"] for vote in view["votes"]}
        scene.expect(status == (409 if counted else 200), f"{name} voted and was answered {status} {answer}")
        scene.voted(ticket["id"], name, APPROVED if name == ("bob", "cy")[view["quorum"] - 1] else PENDING)
    await scene.claim(side, ticket["id"], 0)


async def finish_denial(scene: Scene, side: Side) -> None:
    ticket = scene.tickets[0]
    view = await side.ada.approval(ticket["id"])
    if view is not None and view["state"] == "pending":
        await scene.must(side.bob.decide(ticket, "deny"))
    scene.voted(ticket["id"], "bob", DENIED)
    answer = await side.clients.call(scene.credential, CLAIM, {"ticket": ticket["id"]})
    scene.expect(answer.code == "approval_denied", f"a denied ticket gave {answer}")


async def finish_kill(scene: Scene, side: Side) -> None:
    """In force or not, never half: what is stopped is refused and its tickets are withdrawn, the rest goes on."""
    in_force = bool((await side.ada.done("GET", "/stops"))["stops"])
    claimed = await side.clients.call(scene.credential, CLAIM, {"ticket": scene.tickets[0]["id"]})
    read = await side.clients.call(scene.credential, "orders__search_orders", {"customer": f"{scene.marker} read"})
    scene.told.due[key_of("search_orders", {"customer": f"{scene.marker} read"})] += 1
    if in_force:
        states = {ticket["id"]: ticket["state"] for ticket in await scene.all_tickets(side)}
        if set(states.values()) != {"withdrawn"}:
            scene.verdict.findings.lost_kills.append(f"half a kill: it is in force, and its tickets are {states}")
        if not claimed.code or scene.count(0):
            scene.verdict.findings.lost_kills.append(f"a claim passed the kill: {claimed}")
        reaches_read = scene.case.scope in (ScopeKind.EVERYTHING, ScopeKind.AGENT, ScopeKind.RUN)
        if (read.code == "stopped") != reaches_read:
            scene.verdict.findings.lost_kills.append(f"a read beside or under the kill: {read}")
    else:
        scene.told.due[scene.key(0)] += 1
        scene.told.may_be[scene.tickets[0]["id"]] = CONSUMED
        scene.expect(claimed.is_result, f"no kill is in force, and a claim gave {claimed}")
        scene.expect(read.is_result, f"no kill is in force, and a read gave {read}")
