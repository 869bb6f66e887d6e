"""The gateway's side of a result on its way out of a box: one at a time on each line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from ringfence.core.model.ticket import Ticket
from ringfence.core.model.verdict import ReasonCode
from ringfence.engine.boxes.boxes import Adopted
from ringfence.engine.boxes.exports import Exports
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Returned, Waiting
from ringfence.errors import UnavailableError
from ringfence.ports.box_line import BoxLine

KINDS: Final = frozenset({"export", "landed", "leave"})
_DENIED: Final = frozenset({ReasonCode.APPROVAL_DENIED})


class Exporting:
    """What a supervisor says about its result, and what it is answered."""

    def __init__(self, exports: Exports, channel: BoxLine, adopted: Adopted) -> None:
        self._exports = exports
        self._channel = channel
        self._adopted = adopted
        self._task: asyncio.Task[None] | None = None
        self._landed: asyncio.Future[Mapping[str, Any] | None] | None = None
        self._ticket: Ticket | None = None
        self._leaves = False
        self.has_ended = False
        """Whether the supervisor was told what came of it."""
        self.left_behind: Ticket | None = None
        """What still waits when nobody does any more."""

    async def heard(self, message: Mapping[str, Any]) -> bool:
        """Whether the message was about a result."""
        if KINDS.isdisjoint(message):
            return False
        if isinstance(arguments := message.get("export"), dict) and self._task is None:
            self._task = asyncio.create_task(self._export(cast("dict[str, Any]", arguments)))
        elif isinstance(landed := message.get("landed"), dict) and self._landed is not None and not self._landed.done():
            self._landed.set_result(cast("dict[str, Any]", landed))
        elif "leave" in message:
            self._leaves = True
            if self._ticket is not None and self._landed is None:
                await self._ended()
                await self._leave(self._ticket)
        return True

    async def close(self) -> None:
        """The line has ended."""
        if self._landed is not None and not self._landed.done():
            self._landed.set_result(None)
        if self._task is not None and self._landed is None:
            await self._ended()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self._ticket is not None and self._landed is None:
            self.left_behind = self._ticket

    async def _ended(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _export(self, arguments: dict[str, Any]) -> None:
        try:
            outcome = await self._exports.export(self._adopted.presented, arguments, self._land, self._waits)
            if isinstance(outcome, Waiting) and self._leaves:
                return await self._leave(outcome.ticket)
            answer = _answer(outcome)
        except UnavailableError as error:
            answer = {"state": "failed", "why": str(error)}
        self._ticket = None
        self.has_ended = True
        await self._channel.send({"exported": answer})
        return None

    async def _leave(self, ticket: Ticket) -> None:
        self.left_behind = ticket
        await self._channel.send({"exported": {"state": "waiting", "ticket": ticket.id}})

    async def _land(self) -> Mapping[str, Any] | None:
        self._landed = asyncio.get_running_loop().create_future()
        await self._channel.send({"land": True})
        return await self._landed

    async def _waits(self, ticket: Ticket) -> bool:
        self._ticket = ticket
        if not self._leaves:
            await self._channel.send({"waits": {"ticket": ticket.id, "expires_at": ticket.expires_at}})
        return not self._leaves


def _answer(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Returned(result=result, entry=entry):
            said = cast("Mapping[str, Any]", result.get("structuredContent") or {})
            if "branch" in said:
                return {"state": "landed", "branch": said["branch"], "entry": entry}
            return {"state": "failed", "why": str(said.get("failed", "it was not landed")), "entry": entry}
        case Refused(reasons=reasons, entry=entry):
            is_denied = any(reason.code in _DENIED for reason in reasons)
            why = "; ".join(dict.fromkeys(reason.detail or reason.code.value for reason in reasons))
            return {"state": "denied" if is_denied else "refused", "why": why[:2000], "entry": entry or ""}
        case Waiting(ticket=ticket, entry=entry):
            return {"state": "refused", "why": f"nobody decided on ticket {ticket.id} in time", "entry": entry}
        case NotSent(why=why, entry=entry) | Ambiguous(why=why, entry=entry):
            return {"state": "failed", "why": why, "entry": entry}
        case _:
            return {"state": "failed", "why": "its outcome is withheld", "entry": outcome.entry}
