"""A use of a client's tool, judged where its run works, with what the run has written."""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from ringfence.core.framing import NO_SEAL
from ringfence.core.model.identifiers import Digest, RunId
from ringfence.core.model.local import Judgement, Kind, LocalAct, Place, Scope
from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.profile import OWN_PROFILE, Effect
from ringfence.core.model.run import Run
from ringfence.core.own_tools.local_calls import INNER, OTHER, TOOLS
from ringfence.core.permissions.guarded import guarded_by
from ringfence.core.rules import AgentRule
from ringfence.core.shell.written import Written
from ringfence.engine.local.sealed import seal_of
from ringfence.engine.local.written import WrittenFiles, note_acts
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.files import Files

MOST_RUNS: Final = 10_000
"""Runs whose beginning is remembered."""
_INNER: Final = replace(OWN_PROFILE, effect=Effect.READ, worst="Nothing outside of the client.")


class Judges(Protocol):
    """Says what a call would do (`engine.local.judging`)."""

    async def judge(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        place: Place,
        *,
        written: Callable[[str], Written],
        secret_scan: bool = True,
        guarded: Callable[[str], bool] | None = None,
    ) -> Judgement:
        """`arguments` as the client's tool takes them; `guarded`: which paths somebody forbids to read.

        Raises UnavailableError and nothing else.
        """
        ...

    async def close(self) -> None:
        """Nothing more will be judged."""
        ...


def no_home(rule: AgentRule) -> str:
    """Nobody knows."""
    return rule.local.home if rule.local is not None else ""


class Judged:
    """What is known of where the runs of one gateway are at work."""

    def __init__(
        self,
        *,
        clock: Clock,
        judges: Judges | None,
        files: Files | None,
        home_of: Callable[[AgentRule], str],
        ignores_case: bool,
    ) -> None:
        self._judges = judges
        self._files = files
        self._home_of = home_of
        self._ignores_case = ignores_case
        self._places: OrderedDict[RunId, str] = OrderedDict()
        self._written = WrittenFiles(clock)

    def began(self, run: RunId, cwd: str) -> str:
        """A client says where it is: where it said so first is where its run has begun, and that is answered."""
        place = self._places.setdefault(run, cwd)
        self._places.move_to_end(run)
        if len(self._places) > MOST_RUNS:
            self._places.popitem(last=False)
        return place

    async def of(
        self, run: Run, rule: AgentRule | None, name: str, client_tool: str, given: Mapping[str, Any], cwd: str
    ) -> Judgement | None:
        """What a use of the tool `name` would do. None: the agent has no such tools. Raises UnavailableError."""
        local = rule.local if rule is not None else None
        if rule is None or local is None:
            return None
        if name == INNER:
            place = Place(cwd=cwd or "/", roots=local.roots)
            act = LocalAct(kind=Kind.OTHER, text=client_tool, tool=client_tool, profile=_INNER, scope=Scope.NOTHING)
            return Judgement(place=place, acts=(act,), profile=_INNER)
        if self._judges is None or self._files is None:
            raise UnavailableError("nothing here can judge what a client's tool would do")
        place = await self._place(run, rule, local, cwd, self._files)
        return await self._judges.judge(
            name if name != OTHER or client_tool in TOOLS else client_tool,
            given,
            place,
            written=self._written.of(run).written,
            guarded=guarded_by(rule.permissions, rule.local, place),
        )

    async def seal(self, judgement: Judgement | None) -> Digest:
        """What an approval of it is bound to besides its words."""
        return await seal_of(judgement, self._files) if judgement is not None else NO_SEAL

    def let_through(self, run: Run, judgement: Judgement, content: str | None) -> None:
        """The client is about to do it. `content`: of a file that is written as a whole."""
        note_acts(self._written.of(run), judgement, content)

    def forget(self, run: RunId) -> None:
        """It has ended."""
        self._written.forget(run)
        self._places.pop(run, None)

    async def close(self) -> None:
        if self._judges is not None:
            await self._judges.close()

    async def _place(self, run: Run, rule: AgentRule, local: LocalRules, cwd: str, files: Files) -> Place:
        if not posixpath.isabs(cwd):
            raise UnavailableError("the client does not say where it is")
        roots = local.roots
        if not roots:
            (found,) = await files.look([self.began(run.id, cwd)])
            roots = (found.real,)
        return Place(cwd=posixpath.normpath(cwd), roots=roots, home=self._home_of(rule), ignores_case=self._ignores_case)
