"""What the decision makes of shapes, their neighbours and everyday commands."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bypass import ground, project
from tests.bypass.deciding import decider
from tests.bypass.everyday import Wish, everyday
from tests.bypass.shapes import CLIENT_RULES, NARROW, NARROW_RULES, SHAPES, shapes
from tests.fuzz.shell.box import Box
from tests.fuzz.shell.harm import harms

from ringfence.app.permissions.trial import Tried
from ringfence.core.model.verdict import Level


@dataclass(frozen=True, slots=True)
class Miss:
    """One that was decided otherwise than is wished."""

    group: str
    text: str
    wished: str
    tried: Tried


@dataclass(slots=True)
class Count:
    """Of one set."""

    decided: Counter[str] = field(default_factory=Counter[str])
    misses: list[Miss] = field(default_factory=list[Miss])

    def note(self, group: str, text: str, wished: str, tried: Tried, *, is_miss: bool) -> None:
        self.decided[tried.decision.level.name.lower()] += 1
        if is_miss:
            self.misses.append(Miss(group, text, wished, tried))


async def of_shapes(folder: Path, path: Path = SHAPES, rules: Mapping[str, Sequence[str]] = CLIENT_RULES) -> Count:
    """The shapes of a file; none may be allowed."""
    root = laid_out(folder)
    count = Count()
    async with decider(folder, root, rules) as decide:
        for shape in shapes(path, str(root)):
            tried = await decide.decide(shape.tool, shape.arguments)
            is_miss = tried.decision.level is Level.ALLOW
            count.note(shape.group, shape.text, "deny or ask", tried, is_miss=is_miss)
    return count


async def of_narrow(folder: Path) -> Count:
    """Commands that a narrow allow list seems to name."""
    return await of_shapes(folder, NARROW, NARROW_RULES)


async def of_neighbours(folder: Path, box: Box, drawn: Sequence[tuple[str, str]]) -> Count:
    """Those of the texts, each with its class, that do harm in the box; none may be allowed."""
    root = laid_out(folder)
    count = Count()
    async with decider(folder, root, CLIENT_RULES) as decide:
        for group, text in drawn:
            if done := harms(box.run(text)):
                tried = await decide.command(text)
                count.note(group, text, f"deny or ask: {done[0]}", tried, is_miss=tried.decision.level is Level.ALLOW)
    return count


@dataclass(frozen=True, slots=True)
class Everydays:
    """The everyday commands, by what was wished."""

    by_wish: Mapping[Wish, Count]

    @property
    def asked(self) -> list[Miss]:
        """Harmless ones that were asked about."""
        return [miss for miss in self.by_wish[Wish.ALLOW].misses if miss.tried.decision.level is Level.ASK]

    @property
    def denied(self) -> list[Miss]:
        return [miss for miss in self.by_wish[Wish.ALLOW].misses if miss.tried.decision.level > Level.ASK]


async def of_everyday(folder: Path) -> Everydays:
    """All everyday commands, in a project under version control."""
    root = folder / "project"
    root.mkdir(parents=True, exist_ok=True)
    project.lay_out(root)
    commit(root)
    counts = {wish: Count() for wish in Wish}
    wished = {Wish.ALLOW: (Level.ALLOW,), Wish.ASK: (Level.ASK,), Wish.DENY: (Level.DENY, Level.HALT)}
    async with decider(folder, root, {"files": [str(root / ".claude/settings.json")]}) as decide:
        for each in everyday():
            tried = await decide.command(each.command, each.cwd)
            is_miss = tried.decision.level not in wished[each.wish]
            counts[each.wish].note(each.id, each.command, each.wish, tried, is_miss=is_miss)
    return Everydays(counts)


def laid_out(folder: Path) -> Path:
    """The ground of the shapes, in a folder of its own."""
    root = folder / "project"
    root.mkdir(parents=True, exist_ok=True)
    ground.lay_out(root)
    return root


def commit(root: Path) -> None:
    """Put a folder under version control, with all that is in it committed."""
    settings = ["-c", "user.name=nobody", "-c", "user.email=nobody@project.example", "-c", "core.hooksPath=/dev/null"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(root.parent),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "All of it"]):
        subprocess.run(["git", *settings, *words], cwd=root, env=environment, check=True, capture_output=True, timeout=30)
