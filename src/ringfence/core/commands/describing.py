"""One simple command to what it would do. The file system is not looked at: patterns are worked out before, links after."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.commands.kinds import KINDS, UNKNOWN
from ringfence.core.commands.options import Cut, Given, cut
from ringfence.core.commands.paths import absolute, is_below
from ringfence.core.commands.producers import added, printed
from ringfence.core.commands.profile import CommandProfile, CommandProfiles, Role
from ringfence.core.commands.readers.registry import READERS
from ringfence.core.commands.spelling import bare, joined_words, spellings, written
from ringfence.core.model.local import Doubt, Kind, LocalAct, PathUse, Place, Scope, Undecided, Use
from ringfence.core.model.profile import Effect
from ringfence.core.shell.command import Command, Direction, Word
from ringfence.core.shell.doubts import decides
from ringfence.core.shell.values import Value
from ringfence.core.shell.variables import changes_what_runs

_OF_PROJECTS: Final = frozenset({"PYTHONPATH", "NODE_PATH"})
"""Variables with which what stands in the project is run, by whatever is started with them."""
_RUNS_TESTS: Final = frozenset({"pytest", "py.test", "jest", "vitest", "mocha"})
_SECRET: Final = re.compile(
    r"\$\{?!?\w*(?:KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|AUTH|COOKIE|DSN|DATABASE_URL)\w*|\$\{!\w+(?![\w@*\[])",
    re.IGNORECASE | re.ASCII,
)
_SAYING: Final = frozenset(
    {"echo", "printf", ":", "true", "export", "declare", "readonly", "local", "typeset", "logger", "test", "["}
)
_NOTHING: Final = frozenset({":", "true", "false", "test", "[", "cd", "wait", "sleep", "exit", "unset", "trap"})
"""Commands that print nothing: a file that their output is sent to is empty afterwards."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command would do, and the SQL in it, which is still to be read."""

    act: LocalAct
    sql: tuple[str, ...] = ()
    dialect: str = ""
    guesses: tuple[str, ...] = ()
    """Absolute paths that its words may mean, where its profile says nothing of them."""
    mentions: tuple[str, ...] = ()
    """The same of a command that only reads."""


def describe(command: Command, profiles: CommandProfiles, place: Place, *, raw: Sequence[Word] | None = None) -> Said:
    """What one command would do. `raw`: its words before patterns were put in their place."""
    shown = tuple(raw if raw is not None else command.words)
    if not command.words:
        draft = _draft(command, place, Cut(), KINDS["says"], "sets variables or opens files")
        _redirected(draft, is_silent=True)
        _assigned(draft, is_alone=True)
        return _said(draft, shown)
    profile, rest, before = _found(command, profiles)
    if profile is None:
        return _said(_stranger(command, place), shown)
    made, _ = cut(rest, profile.options, profile.takes)
    made.given[:0] = before
    if made.has(*profile.tells):
        profile = replace(profile, kind=KINDS["reads project"], turns={})
    draft = _draft(command, place, made, profile.kind, profile.does)
    if _is_question(command):
        draft.settles("says")
    else:
        _roles(draft, profile)
        if profile.special:
            READERS[profile.special](draft)
        _more_words(draft, profile)
    first = bare(command.words[0].text)
    _redirected(
        draft,
        is_silent=first in _NOTHING
        or (first == "cat" and [word.text for word in command.words[1:]] == ["/dev/null"])
        or (first in ("echo", "printf") and all(not word.text.strip("n-") for word in command.words[1:])),
    )
    _assigned(draft, is_alone=False)
    _shows_secrets(draft, first)
    return replace(_said(draft, shown), mentions=_mentions(draft, profile))


def _guesses(draft: Draft) -> tuple[str, ...]:
    """Words that a program may take for files, where its profile does not say: of what runs a project's code, or more."""
    if draft.scope in (Scope.NOTHING, Scope.PATHS) or draft.profile.effect is Effect.READ or draft.cwd is None:
        return ()
    return _as_paths(draft.command.words[1:], draft.cwd)


MOST_GUESSED: Final = 255
MOST_GUESSES: Final = 60
_NO_NAME: Final = re.compile(r"[\s\0]")
_PASSES_OVER: Final = re.compile("exclude|ignore|skip|^--not")


def _mentions(draft: Draft, profile: CommandProfile) -> tuple[str, ...]:
    """Words of a reading command whose meaning no profile knows: its options are many, and an option that is not listed, or
    listed as taking any value, may name a file to read."""
    if draft.profile.effect is not Effect.READ or draft.scope is Scope.NOTHING or draft.cwd is None:
        return ()
    words = list(draft.cut.behind)
    if set(profile.words) <= {Role.VALUE} and not profile.special:
        words = draft.cut.words
    for given in draft.cut.given:
        is_any = given.role is None or given.role in (Role.VALUE, Role.OPTIONAL)
        if is_any and given.value is not None and given.name not in profile.unless and not _PASSES_OVER.search(given.name):
            words.append(given.value)
    return _as_paths(words, draft.cwd)


def _as_paths(words: Sequence[Word], cwd: str) -> tuple[str, ...]:
    texts: list[str] = []
    for word in words:
        if word.is_known and len(word.text) <= MOST_GUESSED and not _NO_NAME.search(word.text):
            texts += [word.text, *(part for sign in "=:@" if (part := word.text.rpartition(sign)[2]) and sign in word.text)]
    return tuple(dict.fromkeys(absolute(text, cwd) for text in texts if not text.startswith("-")))[:MOST_GUESSES]


def _draft(command: Command, place: Place, made: Cut, kind: object, does: str) -> Draft:
    from_kind = kind if isinstance(kind, type(UNKNOWN)) else UNKNOWN
    return Draft(
        command=command,
        place=place,
        cut=made,
        profile=from_kind.profile,
        scope=from_kind.scope,
        cwd=command.cwd,
        why=[does] if does else [],
    )


_QUESTIONS: Final = frozenset({"--version", "--help", "-V", "-version", "-help"})


def _is_question(command: Command) -> bool:
    """Nothing but `--version` or `--help`: a command that is described says who it is."""
    return (
        len(command.words) == 2 and command.words[1].text in _QUESTIONS and command.words[1].is_known and not command.takes_more
    )


def _found(command: Command, profiles: CommandProfiles) -> tuple[CommandProfile | None, Sequence[Word], list[Given]]:
    """The profile of the longest name that its words make, and the words after that name."""
    first = command.words[0]
    name = bare(first.text)
    if "/" in name and first.is_known and command.cwd is not None:
        here = absolute(name, command.cwd)
        last = name.rpartition("/")[2]
        name = last if any(is_below(here, root) for root in _programs(here)) else name
        name = "./" + last if profiles.of("./" + last) is not None and "/" in name else name
    profile = profiles.of(name) if first.is_known else None
    rest: Sequence[Word] = command.words[1:]
    before: list[Given] = []
    while profile is not None and profile.name in profiles.parents:
        part, left = cut(rest, profile.options, profile.takes, until_word=True)
        if not left:
            if command.takes_more:
                # The first word that is added says which subcommand it is.
                return None, rest, before
            break
        below = profiles.of(f"{profile.name} {left[0].text}") if left[0].is_known else None
        if below is None:
            below = _any_other(profile.name, profiles)
            if below is None:
                return None, rest, before
            left = [Word(text="", raw=""), *left]
        before += part.given
        rest = left[1:]
        profile = below if profile.is_apart else replace(below, options={**profile.options, **below.options})
    return profile, rest, before


def _any_other(name: str, profiles: CommandProfiles) -> CommandProfile | None:
    """What is said of all subcommands that nobody described: `aws *` holds for `aws s3 website` too."""
    while name:
        found = profiles.of(f"{name} *")
        if found is not None:
            return found
        name = name.rpartition(" ")[0]
    return None


def _programs(path: str) -> tuple[str, ...]:
    """The folder of a virtual environment's programs, where `path` is in one: they are what their names say as much
    as a bare name is."""
    for part in ("/.venv/bin", "/venv/bin", "/node_modules/.bin"):
        head, found, _ = path.partition(part)
        if found:
            return (head + part,)
    return ()


def _stranger(command: Command, place: Place) -> Draft:
    first = command.words[0]
    draft = _draft(command, place, Cut(words=list(command.words[1:])), UNKNOWN, "")
    draft.is_known = False
    if "/" in first.text and first.is_known and command.cwd is not None:
        draft.path(Use.EXECUTE, first)
        path = absolute(first.text, command.cwd)
        if any(is_below(path, root) for root in place.roots):
            draft.is_known = True
            draft.settles("project")
            draft.why = ["a program of the project"]
            _redirected(draft, is_silent=False)
            _assigned(draft, is_alone=False)
            return draft
    if command.is_covered:
        draft.is_known = True
        draft.settles("project")
        _redirected(draft, is_silent=False)
        _assigned(draft, is_alone=False)
        return draft
    draft.why = ["no profile knows it"]
    draft.doubt(Undecided.UNKNOWN if first.is_known else Undecided.WORD, f"no profile knows {first.text[:80]}")
    _redirected(draft, is_silent=False)
    _assigned(draft, is_alone=False)
    return draft


def _roles(draft: Draft, profile: CommandProfile) -> None:
    made = draft.cut
    draft.produced = added(draft.command)
    for given in made.given:
        if given.role is Role.FOLDER and given.value is not None:
            draft.path(Use.LIST, given.value)
            draft.cwd = absolute(given.value.text, draft.cwd) if given.value.is_known and draft.cwd is not None else None
    for given in made.given:
        role = given.role if given.role is not None else profile.options.get(given.name)
        if given.value is None and role is Role.CODE:
            draft.doubt(Undecided.CODE, f"{given.name} makes it do more than its words say")
        if given.value is None or role is Role.FOLDER:
            continue
        if role is Role.WRITE and given.name.endswith(_FOLDERS):
            draft.path(Use.WRITE, given.value, below=True)
        else:
            draft.role(role, given.value)
    for given in made.given:
        for turn, kind in profile.turns.items():
            if given.name == turn or (turn.startswith("--") and len(given.name) > 3 and turn.startswith(given.name)):
                draft.becomes(kind)
    roles = list(profile.words)
    if profile.unless and any(given.name in profile.unless for given in made.given):
        roles = roles[1:] or roles
    for index, word in enumerate(made.words):
        if index < len(roles):
            draft.role(roles[index], word)
        elif roles and profile.repeats:
            draft.role(roles[-1], word)


_FOLDERS: Final = ("dir", "directory", "dir-flat", "dir-mirror")
_HARM: Final = frozenset({Role.WRITE, Role.WIPE, Role.DELETE, Role.DELETE_TREE, Role.EXECUTE, Role.CODE})


def _more_words(draft: Draft, profile: CommandProfile) -> None:
    """Words that nobody knows yet: more of them, or ones that may turn out to be options."""
    last = profile.words[-1] if profile.words else Role.VALUE
    if draft.command.takes_more:
        known = len(draft.cut.words)
        for role in (*profile.words[known:], *((last,) if profile.repeats and known >= len(profile.words) else ())):
            draft.role(role, Word(text="?", raw="words that are known only when it runs", is_known=False))
    is_risky = bool(profile.turns) or any(role in _HARM for role in profile.options.values())
    if profile.takes in ("none", "leading") and draft.cut.words:
        return
    unclear = [word for word in draft.cut.unclear if not _is_anchored(draft, word)]
    adds = draft.command.takes_more and not (draft.produced and all(place.is_anchored for place in draft.produced))
    if is_risky and (unclear or adds) and not draft.cut.after:
        draft.doubt(Undecided.WORD, "a word that is known only when it runs may be an option that changes what it does")


def _is_anchored(draft: Draft, word: Word) -> bool:
    """Whether a word that nobody knows is the path of a file in a folder that is named, and so no option."""
    places = draft.produced if "$" not in word.raw else printed(word)
    return (bool(places) and all(place.is_anchored for place in places)) or ("/" in word.text[1:] and word.raw.startswith('"'))


def _redirected(draft: Draft, *, is_silent: bool) -> None:
    for redirection in draft.command.redirections:
        if redirection.direction in (Direction.READ, Direction.BOTH):
            draft.path(Use.READ, redirection.target)
        if redirection.direction is not Direction.READ:
            empties = is_silent and redirection.direction is Direction.WRITE
            draft.path(Use.WRITE, redirection.target, empties=empties)
            if redirection.target.text not in ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"):
                is_far = draft.scope is Scope.REMOTE or draft.profile.effect is Effect.WRITE
                draft.becomes("writes")
                # What it tells is about the project or the machine; what it changes is this file.
                draft.scope = draft.scope if is_far else Scope.PATHS


def _assigned(draft: Draft, *, is_alone: bool) -> None:
    name = draft.command.words[0].text if draft.command.words else ""
    for variable, word in draft.command.assignments:
        is_steered = changes_what_runs(variable, Value(word.text, is_known=word.is_known))
        # The walk reads by it where it stands alone; what is started with it, or a file that is sourced, is not read so.
        is_steered = is_steered or (variable == "IFS" and not is_alone and name != "read")
        # Who may start the project's tests may have its code run; who may start a formatter may not.
        runs_tests = bare(name) in _RUNS_TESTS and draft.scope is Scope.PROJECT
        is_steered = is_steered or (variable in _OF_PROJECTS and not runs_tests)
        if is_steered:
            draft.doubts.append(decides(variable))


def _shows_secrets(draft: Draft, name: str) -> None:
    texts = [word for word in draft.command.words[1:] if not word.is_known]
    # What only looks prints its words where it cannot find them, or works them out.
    prints = name in _SAYING or (draft.profile.effect is Effect.READ and draft.scope in (Scope.NOTHING, Scope.PATHS))
    if prints and any(_SECRET.search(word.raw) for word in texts):
        draft.reads_environment()


def _said(draft: Draft, shown: Sequence[Word]) -> Said:
    command = draft.command
    words = tuple(word.text for word in command.words)
    outer = tuple(joined_words(word.text for word in one) for one in command.outer)
    texts = (*spellings(words, command.via, command.raw), *outer, *draft.also)
    act = LocalAct(
        kind=Kind.COMMAND,
        text=written(shown) or command.raw.strip(),
        words=words,
        spellings=tuple(dict.fromkeys((*texts, joined_words(words)))) if words else texts,
        tool="Bash",
        profile=draft.profile,
        scope=draft.scope,
        paths=tuple(_once(draft.uses)),
        hosts=tuple(dict.fromkeys(draft.hosts)),
        via=command.via,
        doubts=tuple(dict.fromkeys((*command.doubts, *draft.doubts))),
        is_known=draft.is_known,
        is_covered=command.is_covered,
        why="; ".join(draft.why),
    )
    return Said(act, tuple(draft.sql), draft.dialect, _guesses(draft))


def _once(uses: Sequence[PathUse]) -> list[PathUse]:
    return list(dict.fromkeys(uses))


def undecided(act: LocalAct, *doubts: Doubt) -> LocalAct:
    """The same act with more doubts."""
    return replace(act, doubts=tuple(dict.fromkeys((*act.doubts, *doubts))))
