"""What a child run gives the run above it: one value, under the schema that was fixed when the child was opened."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ringfence.core.model.identifiers import CallId, Millis, RunId
from ringfence.core.model.label import Label
from ringfence.core.model.profile import Trust
from ringfence.core.model.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A result that was handed over, as it is kept. There is one of a run, and it never changes."""

    run: RunId
    """Whose result it is."""
    parent: RunId
    """Who may take it."""
    root: RunId
    call: CallId
    """The call that handed it over."""
    at: Millis
    result: str
    """Canonical JSON (RFC 8785)."""
    label: Label
    """Of all that the run and those above it had been given at that moment, or more where the run said so."""
    is_typed: bool = False
    """Its schema leaves no room for text (`core.definitions.typed_schema`): the fixed schema is the sanitiser."""

    @property
    def brings(self) -> Label:
        """What whoever takes it is given. A typed value steers nobody; what it tells of its sources stays as confidential."""
        return replace(self.label, integrity=Trust.TRUSTED) if self.is_typed else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """What a decision about handing over or taking may know besides the run itself."""

    handed: Handoff | None = None
    """What the run has handed over already."""
    expects: bool = False
    """The run has opened children that have a schema for what they hand over."""
    child: Run | None = None
    """The run that the call wants the result of, where there is one."""
    given: Handoff | None = None
    """What that run has handed over."""
