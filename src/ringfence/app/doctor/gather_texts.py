"""Where credentials stand in texts: the configuration, policies, `.env` files. Values go to the redactor alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ringfence.app.config.document import Entries, Items, Node, Scalar, parse_document
from ringfence.app.config.policies import FOLDER, SUFFIX
from ringfence.app.config.problems import FatalProblem, Problems, path_text
from ringfence.app.config.problems import Path as Place
from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.config.settings import Loaded
from ringfence.app.doctor.facts import Holds, Source, Unseen, Written
from ringfence.app.doctor.gather_environment import has_password, holds_of
from ringfence.app.doctor.reading import ABSENT, read_bytes
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import ScanError, Scanner

MOST_FILES: Final = 200
MOST_PLACES: Final = 50
"""Of one file."""
MOST_WRITTEN: Final = 2000
_ASSIGNED: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_SAMPLES: Final = (".example", ".sample", ".template", ".dist")
_NAMED: Final = frozenset({"env", "headers", "fixed"})
"""Mappings whose keys are names that an operator chose, so a name tells what is behind it."""


@dataclass(slots=True)
class Texts:
    """What texts were found to hold."""

    redactor: Redactor = field(default_factory=Redactor)
    scanner: Scanner = field(default_factory=Scanner)
    written: list[Written] = field(default_factory=list[Written])
    unseen: list[Unseen] = field(default_factory=list[Unseen])
    _places: set[str] = field(default_factory=set[str])

    def configuration(self, path: Path, loaded: Loaded | None) -> None:
        """The configuration, its comments too, and the policies that belong to it."""
        text = self.text_of(path)
        if text is not None:
            known: list[str] = []
            for line, place, value in _literals(text):
                known.append(value)
                self.add(Source.CONFIG, Holds.SECRET, f"{path}:{line}: {place}")
            self.formats(Source.CONFIG, path, text, known)
        folder = loaded.policies.folder if loaded is not None else None
        for policy in _listed(folder or path.absolute().parent / FOLDER, (SUFFIX, ".yaml", ".yml")):
            if (text := self.text_of(policy)) is not None:
                self.formats(Source.CONFIG, policy, text, ())

    def env_files(self, folder: Path) -> None:
        """Assignments of credentials in the `.env` files of a folder."""
        for path in _listed(folder, ()):
            if not (path.name == ".env" or path.name.startswith(".env.")) or path.name.endswith(_SAMPLES):
                continue
            for number, line in enumerate((self.text_of(path) or "").splitlines(), start=1):
                assigned = _ASSIGNED.fullmatch(line)
                if assigned is None:
                    continue
                value = assigned[2].strip("'\"")
                holds = holds_of(assigned[1], value, self.scanner) if not value.startswith("$") else None
                if holds is not None:
                    self.redactor.learn_lasting([value])
                    self.add(Source.ENV_FILE, holds, f"{path}:{number}: {assigned[1]}")

    def text_of(self, path: Path) -> str | None:
        """The text of a file; None: it is not there, or is told of in `unseen`."""
        data = read_bytes(path)
        if isinstance(data, bytes):
            return data.decode("utf-8", "replace")
        if data != ABSENT:
            self.unseen.append(Unseen(what=str(path), why=f"it cannot be read ({data})"))
        return None

    def cleaned(self, value: Any) -> Any:
        """A JSON value without any secret that was come across, and without any of a published format. Raises: ScanError."""
        known = self.redactor.value(value)
        return self.scanner.masked(known, self.scanner.see(known, ""))

    def add(self, source: Source, holds: Holds, where: str, rule: str = "") -> None:
        """Remember a place, once."""
        if where not in self._places and len(self._places) < MOST_WRITTEN:
            self._places.add(where)
            self.written.append(Written(source=source, holds=holds, where=where, rule=rule))

    def formats(self, source: Source, path: Path, text: str, known: Iterable[str]) -> None:
        """Credentials of published formats, but for those that are `known` to stand in the file."""
        own = Redactor()
        own.learn_lasting(known)
        self.redactor.learn_lasting(known)
        rest = own.text(text)
        rules: list[str] = []
        try:
            for number, line in enumerate(rest.splitlines(), start=1):
                for rule in self._rules_in(line):
                    rules.append(rule)
                    self.add(source, Holds.SECRET, f"{path}:{number}", rule)
                if len(rules) >= MOST_PLACES:
                    return
            # What stands over several lines, as private keys do.
            for rule in self._rules_in(rest):
                if rule not in rules:
                    self.add(source, Holds.SECRET, str(path), rule)
        except ScanError as error:
            self.unseen.append(Unseen(what=str(path), why=f"it {error}"))

    def _rules_in(self, text: str) -> list[str]:
        findings = self.scanner.see(text, "").findings if text else ()
        return [finding.rule for finding in findings if finding.kind is Kind.SECRET]


def _literals(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, key and value of what is a credential by its name, or by a password in an address."""
    try:
        root = parse_document(text.encode(), Problems())
    except FatalProblem:
        return  # told of by whoever loads it
    for place, scalar in _scalars(root, ()):
        if "command" in place[:-1]:
            option, _, value = scalar.text.partition("=")
            if place[-1] and looks_like_credential(option if value else "", value or scalar.text):
                yield scalar.at.line, path_text(place), value or scalar.text
        elif has_password(scalar.text):
            yield scalar.at.line, path_text(place), urlsplit(scalar.text).password or scalar.text
        elif len(place) > 1 and place[-2] in _NAMED and looks_like_credential(str(place[-1]), scalar.text):
            yield scalar.at.line, path_text(place), scalar.text


def _scalars(node: Node, place: Place) -> Iterator[tuple[Place, Scalar]]:
    match node:
        case Scalar():
            yield place, node
        case Items(items=items):
            for index, item in enumerate(items):
                yield from _scalars(item, (*place, index))
        case Entries(entries=entries):
            for name, entry in entries.items():
                yield from _scalars(entry.value, (*place, name))


def _listed(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files of a folder in order; of any name where no suffix is given."""
    try:
        found = [path for path in sorted(folder.iterdir()) if not suffixes or path.name.endswith(suffixes)]
    except OSError:
        return []
    return found[:MOST_FILES]
