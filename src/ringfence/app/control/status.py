"""How the gateway is, and reading its configuration again."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply
from ringfence.app.control.routes import Route
from ringfence.app.control.runs import count_unbound
from ringfence.app.control.servers import server_views
from ringfence.app.control.stops import stop_view
from ringfence.app.posture import MEANS
from ringfence.core.model.operator import Role
from ringfence.core.model.ticket import TicketState


async def status(asked: Asked) -> Answer:
    services = asked.services
    degraded = services.store.is_degraded()
    answer: dict[str, Any] = {
        "version": services.version,
        "posture": services.posture.value,
        "posture_means": MEANS[services.posture],
        "degraded": degraded,
        "servers": {server: why or "ok" for server, why in services.catalogue.health().items()},
        "server_health": server_views(services),
        "rules": services.catalogue.rules.digest,
        "gateway": dict(services.status()),
    }
    if (policies := services.catalogue.policy) is not None:
        answer["policies"] = {"digest": policies.digest, "faults": list(services.catalogue.policy_faults())}
    if left_out := services.catalogue.left_out():
        answer["left_out"] = {server: list(why) for server, why in left_out.items()}
    if untyped := services.catalogue.not_sanitisers():
        answer["not_sanitisers"] = list(untyped)
    if log := services.log_care.status():
        answer["log"] = log
    if (anonymous := services.catalogue.rules.anonymous) is not None:
        answer["anonymous"] = anonymous.id
    # The rest is read from the store, and status has to answer even where the store does not.
    if not degraded:
        answer |= await _counts(asked)
    answer["stops"] = [stop_view(stop) for stop in await services.stops.in_force()]
    return Reply(answer)


async def _counts(asked: Asked) -> dict[str, Any]:
    services = asked.services
    runs = await services.store.runs()
    per_agent = Counter(run.agent for run in runs)
    return {
        "agents": sum(agent.server is None for agent in services.catalogue.rules.agents.values()),
        "tools": len(services.catalogue.rules.tools),
        "open_runs": len(runs),
        "unbound_runs": await count_unbound(services.store, runs, services.clock.now()),
        "open_runs_by_agent": dict(sorted(per_agent.items())),
        "approvals_waiting": len(await services.approvals.shown(frozenset({TicketState.PENDING}))),
        "calls_under_way": len(await services.store.holds()),
        "entries": (await services.log.head()).size,
    }


async def reload(asked: Asked) -> Answer:
    """An invalid file never replaces the last good one."""
    fault = await asked.services.reload()
    if fault is None:
        return Reply({"reloaded": True, "rules": asked.services.catalogue.rules.digest})
    return Problem(ProblemCode.REFUSED, fault, "the last good configuration stays in force; mend the file and reload")


async def healthz(asked: Asked) -> Answer:
    """The process answers."""
    return Reply({"status": "ok"})


async def readyz(asked: Asked) -> Answer:
    """Calls can be decided and recorded. No detail: nobody has said who is asking."""
    if asked.services.store.is_degraded():
        return Problem(ProblemCode.UNAVAILABLE, "nothing can be recorded at the moment", "`ringfence status` says why")
    return Reply({"status": "ready"})


ROUTES = (
    Route(method="GET", path="/status", handler=status, summary="Posture, health, counts and stops.", answer="The status."),
    Route(
        method="POST",
        path="/reload",
        handler=reload,
        role=Role.ADMIN,
        summary="Read the configuration again; an invalid one changes nothing.",
        body=(),
        answer="`reloaded`, and the digest of the rules.",
    ),
    Route(method="GET", path="/healthz", handler=healthz, summary="The process answers.", role=None, bare=True),
    Route(method="GET", path="/readyz", handler=readyz, summary="Calls can be decided and recorded.", role=None, bare=True),
)
