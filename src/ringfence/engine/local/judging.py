"""What a call of one of the client's own tools would do, before it is decided.

    judging = Judging(parser=..., files=..., sql=..., profiles=..., scanner=...)
    judgement = await judging.judge("Bash", {"command": "git push"}, place, written=...)

Nothing here decides. What cannot be known is a doubt; only a parser that does not answer is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ringfence.core.commands.describing import Said, describe, undecided
from ringfence.core.commands.kinds import KINDS
from ringfence.core.commands.profile import CommandProfiles
from ringfence.core.commands.strictest import strictest
from ringfence.core.commands.works_from import works_from
from ringfence.core.model.local import Doubt, Judgement, LocalAct, Place, Undecided, Use
from ringfence.core.model.profile import Effect
from ringfence.core.scan.scanner import Scanner
from ringfence.core.shell.command import Command, Reading
from ringfence.core.shell.written import Written
from ringfence.engine.local import file_tools
from ringfence.engine.local.commits import with_uncommitted
from ringfence.engine.local.contents import lines_of, secrets_in, secrets_of_files, secrets_of_pushed
from ringfence.engine.local.looking import guessed, looked_at, may_change_rails
from ringfence.engine.local.patterns import filled_in
from ringfence.engine.local.pushes import with_pushed
from ringfence.engine.local.scripts import of_this_run
from ringfence.engine.local.shell_reading import read_shell
from ringfence.engine.local.statements import with_statements
from ringfence.ports.files import Files
from ringfence.ports.shell_parser import ShellParser
from ringfence.ports.sql_reader import SqlReader

SHELLS: Final = frozenset({"Bash", "Monitor"})
MOST_ACTS: Final = 1_000
MOST_TREE: Final = 20_000
"""Characters of the tree that people see."""


class Judging:
    """One for a gateway. It remembers nothing between calls."""

    def __init__(
        self, *, parser: ShellParser, files: Files, sql: SqlReader, profiles: CommandProfiles, scanner: Scanner
    ) -> None:
        self._parser = parser
        self._files = files
        self._sql = sql
        self._profiles = profiles
        self._scanner = scanner

    async def judge(
        self, tool: str, arguments: Mapping[str, Any], place: Place, *, written: Callable[[str], Written],
        secret_scan: bool = True, guarded: Callable[[str], bool] | None = None, environment: Mapping[str, str] | None = None,
    ) -> Judgement:  # fmt: skip
        """`tool` by its canonical name. `guarded`: which absolute paths somebody forbids to read; those that lie in a
        folder which an act
        reads as a whole are named among its paths. `environment`: variables of the client that are known.

        Raises UnavailableError where the shell's parser did not answer.
        """
        if tool in SHELLS:
            return await self._shell(
                arguments, place, written, secret_scan=secret_scan, guarded=guarded, environment=environment or {}
            )
        described = file_tools.describe(tool, arguments, place)
        (act,) = await looked_at([described.act], self._files, guarded)
        lines = await lines_of(described, act, self._files)
        secrets = secrets_in(described, act, self._scanner) if secret_scan else ()
        return _judgement(place, (act,), (), lines=lines, secrets=secrets, tree=f"{tool} {act.text[:200]}".rstrip())

    async def _shell(
        self, arguments: Mapping[str, Any], place: Place, written: Callable[[str], Written], *,
        secret_scan: bool, guarded: Callable[[str], bool] | None, environment: Mapping[str, str],
    ) -> Judgement:  # fmt: skip
        text = arguments.get("command")
        if not isinstance(text, str):
            return _judgement(place, (), (Doubt(Undecided.PARSE, "there is no command"),), tree="")
        reading = await read_shell(
            text, parser=self._parser, cwd=place.cwd, home=place.home, environment=environment, written=written
        )
        doubts = list(reading.doubts)
        commands: Sequence[Command] = reading.commands
        if len(commands) > MOST_ACTS:
            doubts.append(Doubt(Undecided.LENGTH, f"more than {MOST_ACTS} commands"))
            commands = commands[:MOST_ACTS]
        said = await guessed([await self._described(command, place) for command in commands], self._files, guarded)
        looked = await looked_at(await self._with_sql(said), self._files, guarded)
        looked = await self._scripts(looked, [command.cwd for command in commands], written, guarded)
        acts, taken = await with_uncommitted(looked, [command.cwd for command in commands], self._files, guarded)
        secrets: tuple[str, ...] = ()
        if secret_scan:
            acts, pushed = await with_pushed(acts, [command.cwd for command in commands], self._files, guarded)
            found = await secrets_of_files(text, acts, taken, self._files, self._scanner)
            secrets = (*found, *secrets_of_pushed(pushed, self._scanner))
        return _judgement(place, acts, doubts, secrets=secrets, tree=_tree(reading, acts), text=text)

    async def _described(self, command: Command, place: Place) -> Said:
        filled = await filled_in(command, self._files)
        said = describe(filled.command, self._profiles, place, raw=command.words)
        said = may_change_rails(said, place)
        if said.act.profile.effect is Effect.WRITE:
            said = replace(said, act=replace(said.act, works_from=works_from(filled.command)))
        return replace(said, act=undecided(said.act, *filled.doubts)) if filled.doubts else said

    async def _scripts(
        self, acts: Sequence[LocalAct], places: Sequence[str | None], written: Callable[[str], Written],
        guarded: Callable[[str], bool] | None,
    ) -> tuple[LocalAct, ...]:  # fmt: skip
        """The same where code is run that this run has written itself: what it reads is looked at too."""
        made = [of_this_run(act, cwd, written) for act, cwd in zip(acts, places, strict=True)]
        more = [now for now, before in zip(made, acts, strict=True) if now.paths != before.paths]
        seen = dict(zip(map(id, more), await looked_at(more, self._files, guarded), strict=True)) if more else {}
        return tuple(seen.get(id(act), act) for act in made)

    async def _with_sql(self, said: Sequence[Said]) -> Sequence[LocalAct]:
        return [await with_statements(one, self._sql) if one.sql else one.act for one in said]


def _judgement(
    place: Place,
    acts: Sequence[LocalAct],
    doubts: Iterable[Doubt],
    *,
    lines: int = 0,
    secrets: Sequence[str] = (),
    tree: str,
    text: str = "",
) -> Judgement:
    profile = strictest(act.profile for act in acts) if acts or not doubts else KINDS["unknown"].profile
    touched = (use.real or use.path for act in acts for use in act.paths if use.use in (Use.WRITE, Use.DELETE))
    return Judgement(
        place=place,
        acts=tuple(acts),
        doubts=tuple(dict.fromkeys(doubts)),
        profile=profile,
        files=tuple(dict.fromkeys(touched)),
        lines=lines,
        secrets=tuple(secrets),
        tree=tree[:MOST_TREE],
        text=text,
    )


def _tree(reading: Reading, acts: Sequence[LocalAct]) -> str:
    said = (f"{'  ' * len(act.via)}{act.text[:200]}  -- {act.why}" for act in acts)
    return "\n".join((reading.tree, "", *said) if reading.tree else said)
