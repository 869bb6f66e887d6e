"""Masking the secrets that the gateway itself knows, wherever a text goes that an agent or a person sees. Pure.

    redactor = Redactor()
    redactor.learn("s3cret-value")
    redactor.text("s3cret-value came back")      # "[masked: configured-secret] came back"

Aho-Corasick over all forms of all secrets (`core.scan.needles`): one pass, linear in the text, whatever the number of secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import ahocorasick_rs

from ringfence.core.scan.needles import SHORTEST, beginnings_of, needles_of

RULE: Final = "configured-secret"
MASK: Final = f"[masked: {RULE}]"
MOST_PASSING: Final = 1024
"""Secrets that are looked up, and come and go. The one that was learned longest ago is forgotten first."""
MOST_MINTED: Final = 64
"""The same for what was made for one call. After the call it opens nothing any more."""
_MOST_RECENT: Final = 32
"""So many are kept in a small automaton of their own, so that learning one costs little."""
_TEXTLESS: Final = frozenset({int, float, bool, type(None)})
_BEGINNING: Final = (2, 3)
"""This part of a secret at the end of one piece counts as its beginning. INVARIANT: not a few characters: an agent that has a
server repeat its words would see a right guess masked, and guess on from there, one character at a time."""


class Redactor:
    """All secrets that are known. Learning is for one thread; masking for any."""

    def __init__(self) -> None:
        self._lasting: dict[str, frozenset[str]] = {}
        self._passing: dict[str, frozenset[str]] = {}
        self._recent: dict[str, frozenset[str]] = {}
        self._minted: set[str] = set()
        self._beginnings: dict[str, frozenset[str]] = {}
        self._automata: tuple[ahocorasick_rs.AhoCorasick, ...] = ()
        self._settled: ahocorasick_rs.AhoCorasick | None = None
        self._heads: dict[str, list[str]] = {}
        self.longest = 0
        """Characters of the longest form."""
        self.learnt = 0
        """Rises whenever other secrets are known than before."""

    def __bool__(self) -> bool:
        return bool(self._automata)

    def learn_minted(self, secret: str) -> None:
        """The same for what was made for one call.

        An agent makes as many calls as its budget bears: they push out nothing that was looked up, and what is remembered of
        them is little, since it is compiled anew again and again while nothing else is done.
        """
        if _is_maskable(secret):
            self._minted.add(secret)
            self._learn(secret)

    def learn(self, secret: str) -> None:
        """Mask it from now on. Of fewer than six characters, or a word of the mask itself: left alone."""
        if _is_maskable(secret):
            self._minted.discard(secret)
            self._learn(secret)

    def _learn(self, secret: str) -> None:
        for known in (self._passing, self._recent):
            if secret in known:
                known[secret] = known.pop(secret)
                return
        if secret in self._lasting:
            return
        self._recent[secret], self._beginnings[secret] = needles_of(secret), beginnings_of(secret)
        if len(self._recent) > _MOST_RECENT:
            self._passing |= self._recent
            self._recent = {}
            self._forget()
            self._settle()
        self._compile()

    def _forget(self) -> None:
        """What was learned longest ago, where it is too much."""
        minted = [known for known in self._passing if known in self._minted]
        gone = minted[: max(0, len(minted) - MOST_MINTED)]
        others = [known for known in self._passing if known not in self._minted]
        gone += others[: max(0, len(others) - MOST_PASSING)]
        for secret in gone:
            del self._passing[secret]
            self._minted.discard(secret)
            if secret not in self._lasting:
                del self._beginnings[secret]

    def learn_lasting(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, and never forget them: what a configuration holds literally."""
        fresh = [secret for secret in secrets if _is_maskable(secret) and secret not in self._lasting]
        if fresh:
            self._lasting |= {secret: needles_of(secret) for secret in fresh}
            self._beginnings |= {secret: beginnings_of(secret) for secret in fresh}
            self._settle()
            self._compile()

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand: begin and end in characters, in order; what overlaps is one. Raises UnicodeEncodeError."""
        automata = self._automata
        found = [(begin, end) for each in automata for _, begin, end in each.find_matches_as_indexes(text)]
        return _joined(sorted(found)) if len(found) > 1 else found

    def text(self, text: str) -> str:
        """The text with every secret masked. What is no Unicode comes back with replacement characters."""
        if not self._automata:
            return text
        try:
            spans = self.spans(text)
        except UnicodeEncodeError:
            text = text.encode("utf-8", "replace").decode()
            spans = self.spans(text)
        return masked(text, spans) if spans else text

    def value(self, value: Any) -> Any:
        """A JSON value with every secret masked in its texts and keys; itself, where there is none."""
        return value if not self._automata or self._has_none(value) else self._masked(value)

    def _has_none(self, value: Any) -> bool:
        """Whether all of its texts, looked at together, hold no secret. False: they are to be looked at one by one."""
        texts: list[str] = []
        left = [value]
        while left:
            item = left.pop()
            kind: type[Any] = type(item)
            if kind is str:
                texts.append(item)
            elif kind is dict:
                texts.extend(item)
                left.extend(item.values())
            elif kind is list or kind is tuple:
                left.extend(item)
            elif kind not in _TEXTLESS:
                return False
        try:
            together = "\n".join(texts)
            return not any(each.find_matches_as_indexes(together) for each in self._automata)
        except (TypeError, UnicodeEncodeError):
            return False

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            known = cast("Mapping[str, Any]", value)
            fresh: dict[str, Any] = {}
            numbers: dict[str, int] = {}
            for key, item in known.items():
                shown = name = self.text(key)
                while shown in fresh:
                    # Nothing is lost where keys become the same.
                    numbers[name] = numbers.get(name, 1) + 1
                    shown = f"{name} {numbers[name]}"
                fresh[shown] = self._masked(item)
            same = len(fresh) == len(known) and all(key in known and known[key] is item for key, item in fresh.items())
            return known if same else fresh
        if isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            fresh_items = [self._masked(item) for item in items]
            return items if all(new is old for new, old in zip(fresh_items, items, strict=True)) else fresh_items
        return value

    def begins_at(self, text: str) -> int:
        """Where a secret begins of which the end of the text holds most; the text's length: nowhere."""
        for start in range(max(0, len(text) - self.longest), len(text) - SHORTEST + 1):
            rest = text[start:]
            for form in self._heads.get(rest[:SHORTEST], ()):
                if len(rest) >= _least_of(form) and form.startswith(rest):
                    return start
        return len(text)

    def _settle(self) -> None:
        forms = {form for kept in (self._lasting, self._passing) for forms in kept.values() for form in forms}
        self._settled = _automaton(forms) if forms else None

    def _compile(self) -> None:
        self.learnt += 1
        recent = {form for forms in self._recent.values() for form in forms}
        both = [self._settled] if self._settled is not None else []
        self._automata = tuple([*both, _automaton(recent)] if recent else both)
        everything = [
            form for kept in (self._lasting, self._passing, self._recent) for forms in kept.values() for form in forms
        ]
        heads: dict[str, list[str]] = {}
        for forms in self._beginnings.values():
            for form in forms:
                heads.setdefault(form[:SHORTEST], []).append(form)
        self._heads = heads
        self.longest = max(map(len, everything), default=0)


class Seam:
    """Texts that come in pieces, of which a secret may reach from one into the next: progress, log lines."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._before = ""

    def piece(self, text: str) -> str:
        """The next piece, without the part of a secret that it begins, holds or ends. A broken-off beginning counts where it is
        most of the secret."""
        redactor = self._redactor
        if not redactor:
            return text
        text = text.encode("utf-8", "replace").decode()
        both, start = self._before + text, len(self._before)
        spans = [(max(begin, start), end) for begin, end in redactor.spans(both) if end > start]
        broken = redactor.begins_at(both)
        if broken < len(both):
            spans.append((max(broken, start), len(both)))
        self._before = both[-max(redactor.longest - 1, 1) :]
        shifted = _joined(sorted((begin - start, end - start) for begin, end in spans))
        return masked(text, shifted) if shifted else text


def masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with these spans replaced. They are in order and do not overlap."""
    pieces: list[str] = []
    last = 0
    for begin, end in spans:
        pieces += [text[last:begin], MASK]
        last = end
    return "".join([*pieces, text[last:]])


def _is_maskable(secret: str) -> bool:
    return len(secret.strip()) >= SHORTEST and secret.strip() not in MASK


def _automaton(forms: Iterable[str]) -> ahocorasick_rs.AhoCorasick:
    return ahocorasick_rs.AhoCorasick(
        [form for form in forms if len(form) >= SHORTEST and form not in MASK],
        matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
        store_patterns=False,
    )


def _least_of(form: str) -> int:
    """Characters of a form that are most of it."""
    part, whole = _BEGINNING
    return max(SHORTEST, -(-len(form) * part // whole))


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
