"""What people may see of handoffs: what a run owed, and what it handed over, with secrets masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.run import Run
from ringfence.core.rules import ScanRule
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.inspection import Inspection
from ringfence.engine.outcome import Returned
from ringfence.engine.runs.runs import NotDone
from ringfence.ports.store import Store


@dataclass(frozen=True, slots=True)
class Shown:
    """One run's side of it."""

    run: Run
    schema: Mapping[str, Any]
    handoff: Handoff | None
    """None: it has handed nothing over so far."""
    result: Any = None
    is_withheld: bool = False
    """What was handed over could not be scanned, so it is not shown."""


class Handoffs:
    """Looks them up."""

    def __init__(self, *, store: Store, scanner: Scanner) -> None:
        self._store = store
        self._scanner = scanner

    async def of(self, run_id: RunId) -> Shown | NotDone:
        """What a run owes the run above it, and what it has handed over."""
        run = await self._store.run(run_id)
        if run is None:
            return NotDone(f"there is no run `{run_id[:80]}`", "`ringfence run list` shows the open ones")
        if not run.result_schema:
            return NotDone(f"no schema was fixed for the result of run {run_id}", "a child is opened with one, or without")
        schema, handoff = json.loads(run.result_schema), await self._store.handoff(run_id)
        if handoff is None:
            return Shown(run, schema, None)
        seen = Inspection(self._scanner, ScanRule()).outcome(Returned({"result": json.loads(handoff.result)}, ""))
        if not isinstance(seen, Returned):
            return Shown(run, schema, handoff, is_withheld=True)
        return Shown(run, schema, handoff, cast("dict[str, Any]", seen.result)["result"])
