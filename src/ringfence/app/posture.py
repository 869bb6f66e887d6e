"""Who shares a user with whom: stated at start, recorded in every entry (DESIGN, posture)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfence.core.model.run import Posture
from ringfence.core.rules import AgentRule


def connection_posture(peer_uid: int | None, own_uid: int) -> Posture:
    """What one connection tells: a peer of the gateway's own user, or of root, can reach its state by other ways."""
    return Posture.SHARED if peer_uid is None or peer_uid in (own_uid, 0) else Posture.SEPARATE


MEANS: Final = {
    Posture.SEPARATE: "agents cannot reach the gateway's keys or process",
    Posture.BOXED: "agents live only inside their box, where state and control socket are not mounted",
    Posture.SHARED: "agents share the gateway's user: the boundary is advisory",
}


def stated_posture(agents: Iterable[AgentRule], own_uid: int) -> tuple[Posture, tuple[str, ...]]:
    """The weakest posture that the configuration allows, and the agents that make it so."""
    known = tuple(agent for agent in agents if agent.server is None)
    sharing = tuple(agent.id for agent in known if shares_user(agent, own_uid))
    if sharing:
        return Posture.SHARED, sharing
    boxed = tuple(agent.id for agent in known if agent.box is not None)
    return (Posture.BOXED, boxed) if boxed else (Posture.SEPARATE, ())


def shares_user(agent: AgentRule, own_uid: int) -> bool:
    """Whether an agent's processes may run as the gateway's user, or as root, whom no file mode stops."""
    return not agent.only_mcp and agent.box is None and (not agent.uids or own_uid in agent.uids or 0 in agent.uids)


def posture_because(agents: Iterable[AgentRule], own_uid: int) -> tuple[str, ...]:
    """Why the posture is what it is: one sentence per agent, in words."""
    return tuple(f"{agent.id}: {_why(agent, own_uid)}" for agent in agents if agent.server is None)


def _why(agent: AgentRule, own_uid: int) -> str:
    if agent.box is not None:
        return "lives in boxes only (`ringfence run`), where nothing of the gateway is mounted"
    if agent.only_mcp:
        return "declared `only_mcp`, so it has no shell and no files"
    if not agent.uids:
        return f"has no `users`, so its processes may run as the gateway's own user (uid {own_uid})"
    if own_uid in agent.uids:
        return f"its `users` include the gateway's own user (uid {own_uid})"
    if 0 in agent.uids:
        return "its `users` include root, whom no file mode stops"
    return f"runs as another user (uid {', '.join(str(uid) for uid in sorted(agent.uids))})"
