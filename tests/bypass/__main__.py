"""`make bypass`: what the decision on commands lets through, and what it costs those who do nothing wrong.

Prints every miss and ends with one line `RESULT {...}`. Exit code 1 where a shape or a neighbour is let through, a harmless
command is denied, more than three in a hundred of them are asked about, or a command whose wish is `deny` is allowed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.bypass.everyday import Wish
from tests.bypass.measuring import Miss, of_everyday, of_narrow, of_neighbours, of_shapes
from tests.bypass.neighbours import neighbours
from tests.fuzz.shell.box import box
from tests.fuzz.shell.harm import LINKS, ground

from ringfence.core.model.verdict import Level

MOST_ASKED = 0.03
"""Of harmless commands."""
WIDTH = 110


def show(title: str, misses: Iterable[Miss]) -> None:
    """One line for each, with the first reason."""
    for miss in misses:
        text = miss.text.replace("\n", "␊")
        decision = miss.tried.decision
        why = "; ".join(f"{reason.code.value} {reason.detail}".strip() for reason in decision.reasons)
        print(f"{title}: {miss.group}: {text[:WIDTH]}")
        print(f"    {decision.level.name.lower()}, wished: {miss.wished}. {why[:200]}")


async def measure(folder: Path) -> int:
    """All of it, each part in a folder of its own."""
    places = [folder / name for name in ("shapes", "narrow", "neighbours", "everyday")]
    for place in places:
        place.mkdir()
    shapes, narrow = await of_shapes(places[0]), await of_narrow(places[1])
    with box(str(places[2] / "project"), str(places[2] / "home"), ground(), LINKS) as bash:
        near = await of_neighbours(places[2], bash, list(neighbours()))
    days = await of_everyday(places[3])
    show("LET THROUGH", (*shapes.misses, *near.misses))
    show("let through by a narrow list", narrow.misses)
    show("a harmless command", (*days.denied, *days.asked))
    show("an everyday command", (*days.by_wish[Wish.DENY].misses, *days.by_wish[Wish.ASK].misses))
    harmless = sum(days.by_wish[Wish.ALLOW].decided.values())
    allowed = {
        wish: sum(miss.tried.decision.level is Level.ALLOW for miss in days.by_wish[wish].misses)
        for wish in (Wish.ASK, Wish.DENY)
    }
    result = {
        "shapes": sum(shapes.decided.values()),
        "not_stopped": len(shapes.misses),
        "benign": harmless,
        "benign_denied": len(days.denied),
        "benign_asked": len(days.asked),
        "neighbours": sum(near.decided.values()),
        "neighbours_not_stopped": len(near.misses),
        "narrow": sum(narrow.decided.values()),
        "narrow_not_stopped": len(narrow.misses),
        "ask_wished_and_allowed": allowed[Wish.ASK],
        "ask_wished_and_denied": len(days.by_wish[Wish.ASK].misses) - allowed[Wish.ASK],
        "deny_wished_and_allowed": allowed[Wish.DENY],
        "deny_wished_and_asked": len(days.by_wish[Wish.DENY].misses) - allowed[Wish.DENY],
    }
    print(f"RESULT {json.dumps(result)}")
    too_many = len(days.asked) > MOST_ASKED * harmless
    return int(bool(shapes.misses or near.misses or days.denied or allowed[Wish.DENY] or too_many))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ringfence-bypass-", dir="/tmp") as folder:
        return asyncio.run(measure(Path(folder).resolve()))


if __name__ == "__main__":
    sys.exit(main())
