"""Whether the times of entries can be true: they do not run backwards, and fit what witnesses saw when. Pure."""

from collections.abc import Iterable

from ringfence.core.audit.findings import Finding, Tamper

TOLERANCE_MS = 300_000
"""How far clocks may be apart or be set back before it is a finding."""


class Times:
    """Follows the times of entries. `seen` has, for each cosigned checkpoint, its size and the witness's seconds."""

    def __init__(self, seen: Iterable[tuple[int, int]], tolerance_ms: int = TOLERANCE_MS) -> None:
        self._seen = sorted(set(seen))
        self._tolerance = tolerance_ms
        self._latest: int | None = None
        self._early: set[tuple[int, int]] = set()
        self._late: set[tuple[int, int]] = set()
        self.findings: list[Finding] = []

    def see(self, seq: int, at: int) -> None:
        """The next entry, with its time in milliseconds."""
        if self._latest is not None and at < self._latest - self._tolerance:
            back = (self._latest - at) // 1000
            self.findings.append(Finding(Tamper.CLOCK, seq, f"entry {seq} is dated {back} s before an earlier one"))
            self._latest = at  # What follows is measured by the new time: one finding for one jump.
        self._latest = at if self._latest is None else max(self._latest, at)
        for witnessed in self._seen:
            self._compare(seq, at, *witnessed)

    def _compare(self, seq: int, at: int, size: int, seconds: int) -> None:
        ahead = at - seconds * 1000
        if seq < size and ahead > self._tolerance and (size, seconds) not in self._late:
            self._late.add((size, seconds))
            detail = f"entry {seq} is dated {ahead // 1000} s after a witness had seen it"
            self.findings.append(Finding(Tamper.CLOCK, seq, detail))
        if seq >= size and -ahead > self._tolerance and (size, seconds) not in self._early:
            self._early.add((size, seconds))
            detail = f"entry {seq} is dated {-ahead // 1000} s before a witness saw the log without it"
            self.findings.append(Finding(Tamper.CLOCK, seq, detail))
