"""Who shares a user with whom: stated at start, recorded in every entry (DESIGN, posture)."""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.core.model.run import Posture
from ringfence.core.rules import AgentRule


def connection_posture(peer_uid: int | None, own_uid: int) -> Posture:
    """What one connection tells: a peer of the gateway's own user, or of root, can reach its state by other ways."""
    return Posture.SHARED if peer_uid is None or peer_uid in (own_uid, 0) else Posture.SEPARATE


def stated_posture(agents: Iterable[AgentRule], own_uid: int) -> tuple[Posture, tuple[str, ...]]:
    """The weakest posture that the configuration allows, and the agents that make it so."""
    sharing = tuple(agent.id for agent in agents if not agent.only_mcp and (not agent.uids or own_uid in agent.uids))
    return (Posture.SHARED if sharing else Posture.SEPARATE), sharing
