"""Whether the places that entries claim are dense: what is missing, comes late or comes twice. Pure."""

from bisect import bisect_right
from dataclasses import dataclass, field

from ringfence.core.audit.findings import Finding, Tamper


@dataclass(slots=True)
class Places:
    """Follows the places that the entries claim."""

    reach: int = 0
    """One more than the largest place seen."""
    edited: list[Finding] = field(default_factory=list[Finding])
    gaps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Places skipped, from and to inclusive, rising."""
    late: list[int] = field(default_factory=list[int])
    """Places that came after a larger one."""

    def unreadable(self, position: int, why: str) -> None:
        """An entry that claims no place stands for the next one, so that one edit does not read as a deletion too."""
        self.edited.append(Finding(Tamper.EDITED, self.reach, f"entry at position {position}: {why}"))
        self.reach += 1

    def see(self, seq: int) -> None:
        """The next entry of the log claims this place."""
        if seq < self.reach:
            self.late.append(seq)
        else:
            if seq > self.reach:
                self.gaps.append((self.reach, seq - 1))
            self.reach = seq + 1

    def findings(self) -> list[Finding]:
        """By kind: edited, reordered, inserted, deleted; each in the order of the entries."""
        starts = [start for start, _ in self.gaps]
        filled: dict[int, set[int]] = {}
        reordered: list[Finding] = []
        inserted: list[Finding] = []
        for seq in sorted(self.late):
            gap = bisect_right(starts, seq) - 1
            came_back = filled.setdefault(gap, set())
            if gap >= 0 and seq <= self.gaps[gap][1] and seq not in came_back:
                came_back.add(seq)
                reordered.append(Finding(Tamper.REORDERED, seq, f"entry {seq} stands after a later one"))
            else:
                inserted.append(Finding(Tamper.INSERTED, seq, f"place {seq} is taken twice"))
        deleted = [
            Finding(
                Tamper.DELETED,
                first,
                f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing",
            )
            for number, gap in enumerate(self.gaps)
            for first, last in _left_over(gap, sorted(filled.get(number, ())))
        ]
        return [*self.edited, *reordered, *inserted, *deleted]


def _left_over(gap: tuple[int, int], filled: list[int]) -> list[tuple[int, int]]:
    """The parts of a gap between the places that were filled later."""
    start, end = gap
    left: list[tuple[int, int]] = []
    for seq in filled:
        if start < seq:
            left.append((start, seq - 1))
        start = seq + 1
    return [*left, (start, end)] if start <= end else left
