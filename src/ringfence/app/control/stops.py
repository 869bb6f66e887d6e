"""Kill, pause, and letting go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.scopes import scope_of
from ringfence.app.control.shape import REASON, Field, Kind
from ringfence.app.control.times import iso
from ringfence.core.model.operator import Role
from ringfence.core.model.stop import Scope, Stop, StopMode
from ringfence.engine.runs.runs import NotDone
from ringfence.engine.stopping.stops import Stopped
from ringfence.errors import RequestError

_NOT_DURABLE = "the disk would not take it: it holds while this process lives; mend the disk before any restart"


async def kill(asked: Asked) -> Answer:
    return await put(asked, StopMode(asked.body.get("mode", StopMode.KILL.value)), scope_of(asked.body))


async def pause(asked: Asked) -> Answer:
    return await put(asked, StopMode.PAUSE, scope_of(asked.body))


async def unkill(asked: Asked) -> Answer:
    return await lift(asked, StopMode.KILL)


async def resume(asked: Asked) -> Answer:
    return await lift(asked, StopMode.PAUSE)


async def list_stops(asked: Asked) -> Answer:
    return Reply({"stops": [stop_view(stop) for stop in await asked.services.stops.in_force()]})


async def put(asked: Asked, mode: StopMode, scope: Scope) -> Answer:
    """Put a stop in force; the answer is the acknowledgement: no new upstream call can start in its scope."""
    stopped = await asked.services.stops.stop(mode, scope, reason=asked.body.get("reason", ""), by=asked.by)
    return refused(stopped) if isinstance(stopped, NotDone) else Reply(stopped_view(stopped))


async def lift(asked: Asked, mode: StopMode) -> Answer:
    """Lift one stop by id, or every stop of a mode with exactly this scope."""
    wanted: dict[str, Any] = {**asked.query, **asked.body}
    in_force = await asked.services.stops.in_force()
    if "id" in wanted:
        if "scope" in wanted:
            raise RequestError("either `id` or `scope`, not both")
        found = [stop for stop in in_force if stop.id == wanted["id"]]
        if found and found[0].mode is not mode:
            return Problem(ProblemCode.REFUSED, f"stop {found[0].id} is a {found[0].mode.value}", _HOW_TO_LIFT[found[0].mode])
        what = f"no {mode.value} `{str(wanted['id'])[:60]}` is in force"
    else:
        scope = scope_of(wanted)
        found = [stop for stop in in_force if stop.mode is mode and stop.scope == scope]
        what = f"no {mode.value} of {scope} is in force"
    if not found:
        return Problem(ProblemCode.REFUSED, what, "`ringfence stops` lists what is")
    return await lift_all(asked, found, reason=wanted.get("reason", ""), confirmed=wanted.get("confirm", False))


async def lift_all(asked: Asked, stops: Sequence[Stop], *, reason: str, confirmed: bool) -> Answer:
    """Lift stops one after the other; the first refusal ends it and says what was lifted before."""
    lifted: list[dict[str, Any]] = []
    for stop in stops:
        done = await asked.services.stops.lift(stop.id, asked.who, reason=reason, confirmed=confirmed)
        if isinstance(done, NotDone):
            before = f" (lifted before: {', '.join(item['stop']['id'] for item in lifted)})" if lifted else ""
            return Problem(ProblemCode.REFUSED, f"{done.why}{before}", done.remedy)
        lifted.append({"stop": stop_view(done.stop), "entry": done.entry, "single_person": done.single_person})
    return Reply({"lifted": lifted})


_HOW_TO_LIFT = {
    StopMode.KILL: "DELETE /api/v1/kill lifts it",
    StopMode.PAUSE: "POST /api/v1/resume lifts it",
    StopMode.DISABLE: "POST /api/v1/tools/{id}/enable lifts it",
}


def stop_view(stop: Stop) -> dict[str, Any]:
    scope = {"kind": stop.scope.kind.value, "target": stop.scope.target, "agent": stop.scope.agent}
    return {
        "id": stop.id,
        "mode": stop.mode.value,
        "scope": scope,
        "text": f"{stop.mode.value} of {stop.scope}",
        "reason": stop.reason,
        "by": stop.by,
        "at": iso(stop.at),
    }


def stopped_view(stopped: Stopped) -> dict[str, Any]:
    """The acknowledgement as JSON."""
    return {
        "stop": stop_view(stopped.stop),
        "entry": stopped.entry,
        "durable": stopped.durable,
        "warning": "" if stopped.durable else _NOT_DURABLE,
        "inflight": [
            {
                "call": call.call,
                "entry": call.entry,
                "agent": call.agent,
                "run": call.run,
                "tool": call.tool,
                "sent": call.sent,
                "ended": call.ended,
            }
            for call in stopped.inflight
        ],
        "withdrawn": list(stopped.withdrawn),
    }


_SCOPE = (
    Field("scope", 'What to stop: "everything", a kind beside `target`, or an object such as {"run": "r_..."}.', Kind.SCOPE),
    Field("target", "The agent, run, server or tool, where `scope` is only a kind.", most=200),
    Field("agent", "Where the scope is a tool: for this agent only.", most=200),
)
_LIFT = (
    Field("id", "The stop to lift.", most=80),
    *_SCOPE,
    REASON,
    Field("confirm", "The second confirmation that a sole admin gives.", Kind.FLAG),
)
_ACKNOWLEDGED = "`stop`, `entry`, `durable`, the calls that were `inflight`, the approvals that were `withdrawn`."

ROUTES = (
    Route(method="GET", path="/stops", handler=list_stops, summary="Every stop in force.", answer="`stops`."),
    Route(
        method="POST",
        path="/kill",
        handler=kill,
        role=Role.APPROVER,
        summary="Stop now. Answered when no new upstream call can start in the scope.",
        body=(*_SCOPE, REASON, Field("mode", "`kill` where absent.", choices=("kill", "pause"))),
        answer=_ACKNOWLEDGED,
    ),
    Route(
        method="DELETE",
        path="/kill",
        handler=unkill,
        role=Role.APPROVER,
        summary="Lift a kill. Needs a second admin, or a confirmation and a reason where there is only one.",
        body=_LIFT,
        query=_LIFT,
        answer="`lifted`: each stop with its entry.",
    ),
    Route(
        method="POST",
        path="/pause",
        handler=pause,
        role=Role.APPROVER,
        summary="Hold the scope; approvals keep waiting.",
        body=(*_SCOPE, REASON),
        answer=_ACKNOWLEDGED,
    ),
    Route(
        method="POST",
        path="/resume",
        handler=resume,
        role=Role.APPROVER,
        summary="Lift a pause.",
        body=_LIFT,
        answer="`lifted`: each stop with its entry.",
    ),
)
