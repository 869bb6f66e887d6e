"""Runs and the agents that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply, not_found, refused
from ringfence.app.control.grants import FIELDS, grant_asked
from ringfence.app.control.labels import labels_of_run
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import REASON, Field, Kind
from ringfence.app.control.times import iso
from ringfence.core.model.agent import Limits
from ringfence.core.model.binding import UNBOUND
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.operator import Role
from ringfence.core.model.run import OUTSIDE, Credential, Run
from ringfence.core.model.stop import StopMode, covers
from ringfence.core.model.ticket import TicketState
from ringfence.core.narrowing.grants import limited
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.runs.runs import NotDone, Opened, grant_view
from ringfence.ports.store import Store

MOST_LISTED = 500
NOBODY = "nobody"
"""Instead of a binding: whoever knows the credential may use it."""
VOUCHED = "whoever the issuer or certificate says"
"""Instead of a binding: there is no credential here that could be stolen."""
_BINDING = Field(
    "binding",
    "From whom alone the credential is accepted: `jkt:` with the SHA-256 thumbprint of a DPoP key (RFC 9449), `x5t:` with the "
    "SHA-256 of a client certificate (RFC 8705), both in base64url, or `uid:` with a local user's number. The last two may be "
    "followed by `+jkt:`: then the sender has to show both.",
    most=120,
    nullable=True,
)


async def open_run(asked: Asked) -> Answer:
    """The operator's task is trusted words; the credential is shown this once."""
    parent = asked.body.get("parent")
    given = grant_asked(asked.body, asked.services.catalogue.rules, asked.services.clock.now())
    if isinstance(given, NotDone):
        return refused(given)
    continues = asked.body.get("continues")
    if asked.body.get("with_words") and not continues:
        return Problem(ProblemCode.MALFORMED, "`with_words` needs `continues`: whose words they are")
    begun = (
        await asked.services.labels.continued(RunId(continues), with_words=bool(asked.body.get("with_words")))
        if continues
        else None
    )
    if isinstance(begun, NotDone):
        return refused(begun)
    opened = await asked.services.runs.open(
        AgentId(asked.body["agent"]),
        asked.body["task"],
        by=asked.by,
        trusted=True,
        parent=RunId(parent) if parent else None,
        binding=asked.body.get("binding") or UNBOUND,
        asked=given,
        continues=begun,
        result_schema=asked.body.get("result_schema"),
        is_kept=bool(asked.body.get("kept")),
    )
    return refused(opened) if isinstance(opened, NotDone) else Reply(opened_view(opened))


async def list_runs(asked: Asked) -> Answer:
    agent = asked.query.get("agent")
    runs = [run for run in await asked.services.store.runs() if agent is None or run.agent == agent]
    return Reply(
        {
            "runs": [await run_view(asked, run) for run in runs[-MOST_LISTED:]],
            "left_off": max(0, len(runs) - MOST_LISTED),
        }
    )


async def show_run(asked: Asked) -> Answer:
    run = await asked.services.store.run(RunId(asked.path["id"]))
    if run is None:
        return _no_run(asked.path["id"])
    rule = asked.services.catalogue.rules.agents.get(run.agent)
    children = [child.id for child in await asked.services.store.runs() if run.id in child.ancestors]
    waiting = await asked.services.approvals.shown(frozenset({TicketState.PENDING}))
    return Reply(
        {
            **await run_view(asked, run),
            **await labels_of_run(asked, run),
            "open_child_runs": children[:MOST_LISTED],
            "waiting_approvals": [ticket.id for ticket in waiting if ticket.run == run.id],
            "stops_when": list(rule.limits.stop_when.in_words) if rule is not None else [],
            "warned_by": list(asked.services.guards.warnings(run.id)),
            "stopped_by": await _stopped_by(asked, run),
        }
    )


async def _stopped_by(asked: Asked, run: Run) -> list[str]:
    """What stops in force hold it, and who set each: a person, a guard, or a condition of its agent."""
    reach = await reach_of(asked.services.store, run)
    held = [stop for stop in await asked.services.stops.in_force() if covers(stop.scope, reach)]
    return [f"{stop.id}: {stop.mode.value} of {stop.scope} by {stop.by}: {stop.reason}" for stop in held]


async def close_run(asked: Asked) -> Answer:
    why = asked.body.get("reason") or f"closed by {asked.who.name}"
    closed = await asked.services.runs.close(RunId(asked.path["id"]), by=asked.by, why=why)
    if isinstance(closed, NotDone):
        return refused(closed)
    withdrawn = await asked.services.approvals.withdraw_run(closed.id, "the run was closed", asked.by)
    current = await asked.services.store.run(closed.id) or closed
    return Reply({**await run_view(asked, current), "withdrawn": [ticket.id for ticket in withdrawn]})


async def readmit(asked: Asked) -> Answer:
    """Somebody outside whose run was ended is let in again, with a new run."""
    run = await asked.services.outsiders.readmit(RunId(asked.path["id"]), by=asked.by)
    return refused(run) if isinstance(run, NotDone) else Reply(await run_view(asked, run))


async def list_agents(asked: Asked) -> Answer:
    catalogue = asked.services.catalogue
    await catalogue.ensure_listed()
    stops = await asked.services.stops.in_force()
    agents: list[dict[str, Any]] = []
    known = (rule for rule in catalogue.rules.agents.values() if rule.server is None)
    for rule in sorted(known, key=lambda rule: rule.id):
        view = catalogue.view(rule.id)
        agents.append(
            {
                "id": rule.id,
                "purpose": rule.purpose,
                "granted": list(rule.tools),
                "tools": sorted(view.agent.tools) if view else [],
                "limits": {
                    "calls_per_run": rule.limits.calls_per_run,
                    "wall_clock_s": rule.limits.wall_clock_s,
                    "pending_approvals": rule.limits.pending_approvals,
                },
                "separation": rule.separation,
                "approvers": sorted(rule.approvers),
                "stopped": any(s.mode is not StopMode.DISABLE and s.scope.target == rule.id for s in stops),
            }
        )
    return Reply({"agents": agents})


async def reset_credential(asked: Asked) -> Answer:
    """A static credential for an agent that cannot open runs: its old standing run ends, a new one begins."""
    binding = asked.body.get("binding") or UNBOUND
    opened = await asked.services.runs.reset_standing(AgentId(asked.path["id"]), by=asked.by, binding=binding)
    return refused(opened) if isinstance(opened, NotDone) else Reply(opened_view(opened))


def opened_view(opened: Opened) -> dict[str, Any]:
    return {
        "run": opened.run.id,
        "agent": opened.run.agent,
        "credential": opened.credential,
        "expires_at": iso(opened.run.expires_at),
        "bound_to": opened.binding or NOBODY,
        "granted": grant_view(opened.run.grant),
        "dropped": list(opened.dropped),
        "label": opened.run.label.view(),
    }


async def run_view(asked: Asked, run: Run) -> dict[str, Any]:
    account = await asked.services.store.account(run.id)
    rule = asked.services.catalogue.rules.agents.get(run.agent)
    cap = limited(rule.limits if rule else Limits(calls_per_run=0), run.grant).calls_per_run
    now = asked.services.clock.now()
    expired = run.expires_at is not None and now >= run.expires_at
    return {
        "id": run.id,
        "agent": run.agent,
        "task": run.task,
        "task_trusted": run.task_trusted,
        "opened_by": run.opened_by,
        "opened_at": iso(run.opened_at),
        "expires_at": iso(run.expires_at),
        "state": "expired" if expired and run.state.value == "open" else run.state.value,
        "standing": run.standing,
        "bound_to": await bindings_of(asked.services.store, run.id, now),
        "parent": run.ancestors[0] if run.ancestors else None,
        "ancestors": list(run.ancestors),
        "granted": grant_view(run.grant),
        "owes_a_result": bool(run.result_schema) and await asked.services.store.handoff(run.id) is None,
        "label": (await asked.services.labels.effective(run)).view(),
        "calls_spent": account.spent,
        "calls_held": account.held,
        "calls_cap": cap + account.extra if cap is not None else None,
    }


async def count_unbound(store: Store, runs: Sequence[Run], now: Millis) -> int:
    """How many of these runs whoever knows their credential can use."""
    return sum([any(is_live(c, now) and bound_text(c) == NOBODY for c in await store.credentials(run.id)) for run in runs])


async def bindings_of(store: Store, run: RunId, now: Millis) -> list[str]:
    """From whom the credentials of a run are accepted: bindings, `NOBODY`, `VOUCHED`."""
    return sorted({bound_text(credential) for credential in await store.credentials(run) if is_live(credential, now)})


def bound_text(credential: Credential) -> str:
    """From whom a credential is accepted."""
    if credential.hash.startswith(OUTSIDE):
        return VOUCHED
    return credential.binding or NOBODY


def is_live(credential: Credential, now: Millis) -> bool:
    """Whether a credential is accepted, from the right sender, at a moment."""
    return not credential.revoked and (credential.expires_at is None or now < credential.expires_at)


def _no_run(run: str) -> Answer:
    return not_found(f"there is no run `{run[:60]}`", "`ringfence run list` shows the open ones")


ROUTES = (
    Route(
        method="POST",
        path="/runs",
        handler=open_run,
        role=Role.APPROVER,
        summary="Open a run for an agent, with a task in trusted words.",
        body=(
            Field("agent", "A configured agent.", required=True, most=200),
            Field("task", "What it is to do, in your words.", required=True, most=100_000),
            Field("parent", "The run that this is a child of.", most=80, nullable=True),
            Field(
                "continues",
                "The run whose work it goes on with, open or not: it begins with its label.",
                most=80,
                nullable=True,
            ),
            Field("with_words", "What was said to that run counts here too: its task, and what was added.", kind=Kind.FLAG),
            Field("kept", "You end it: it does not end when a person leaves the client that works in it.", kind=Kind.FLAG),
            _BINDING,
            *FIELDS,
            Field(
                "result_schema",
                "With `parent`: JSON Schema of what the child hands back to it (`ringfence__handoff`), at most 8 KiB.",
                kind=Kind.OBJECT,
                nullable=True,
            ),
        ),
        answer="`run`, `credential` (shown this once), `expires_at`, what was `granted`, and what was asked for and `dropped`.",
    ),
    Route(
        method="GET",
        path="/runs",
        handler=list_runs,
        summary="Open runs, oldest first.",
        query=(Field("agent", "Only this agent's.", most=200),),
        answer="`runs`.",
    ),
    Route(method="GET", path="/runs/{id}", handler=show_run, summary="One run, open or closed.", answer="The run."),
    Route(
        method="POST",
        path="/runs/{id}/close",
        handler=close_run,
        role=Role.APPROVER,
        summary="End a run: its credentials are revoked, its approvals withdrawn, its later calls denied.",
        body=(REASON,),
        answer="The run, and the approvals that were `withdrawn`.",
    ),
    Route(
        method="POST",
        path="/runs/{id}/readmit",
        handler=readmit,
        role=Role.ADMIN,
        summary="Give the subject of an issuer or certificate a new run; its old one ends, if it has not.",
        body=(),
        answer="The new run.",
    ),
    Route(method="GET", path="/agents", handler=list_agents, summary="Agents, and the tools each can see.", answer="`agents`."),
    Route(
        method="POST",
        path="/agents/{id}/credential",
        handler=reset_credential,
        role=Role.ADMIN,
        summary="Reset an agent's standing run; its static credential is shown this once.",
        body=(_BINDING,),
        answer="`run`, `credential`.",
    ),
)
