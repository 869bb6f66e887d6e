"""Secrets in the texts of a request: which, where, and the same bytes with every one of them masked. Pure.

    finder = SecretFinder(Redactor(), Memory())
    finder.look(body)                          # a parsed body: rules, places, counts
    finder.masked(data, but=("json-web-token",))   # its bytes with masks in the place of secrets, but those of these rules

The same history comes with every request, so a text that was looked at is known again by its digest. A mask is the same each
time, so that what a vendor has cached of a prompt stays cached.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from ringfence.core.observing.parts import parts_of, texts_in
from ringfence.core.observing.strings import Cut, read_strings, with_cuts
from ringfence.core.scan.engines import ENGINE_ERRORS, Exact, OnePass
from ringfence.core.scan.redactor import MASK as OWN_MASK
from ringfence.core.scan.redactor import RULE as OWN
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import MASK, ScanError
from ringfence.core.scan.secret_rules import SECRET_RULES

MOST_TOLD: Final = 20
"""Places that a record names. More are counted at `*`."""
MOST_KNOWN: Final = 50_000
"""Texts of which is remembered what they hold, twice at most: digests, and of the few with secrets where they stand."""
_WORTH_KNOWING: Final = 256
"""Characters. Shorter texts are looked at again: that costs no more than knowing them."""
_MOST_SPANS: Final = 10_000
_ROUNDS: Final = 4
"""The last one sees that nothing is left."""
_BETWEEN: Final = "\n\0\n"
_HALVES: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """What was found, where, and how often. Never the text itself."""

    rule: str
    at: str
    """A JSON pointer; `*`: further places."""
    count: int

    def view(self) -> dict[str, Any]:
        return {"rule": self.rule, "at": self.at, "count": self.count}


@dataclass(frozen=True, slots=True)
class Span:
    """One secret in a text, in bytes of its UTF-8."""

    begin: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to."""

    found: tuple[Found, ...] = ()
    cuts: Mapping[int, tuple[Cut, ...]] = field(default_factory=dict[int, tuple[Cut, ...]], repr=False)
    """What masks it, by the number of the string."""

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.rule for one in self.found))


CLEAN: Final = Looked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What became of the secrets of one request."""

    action: str
    """`mask`, `refuse` or `flag`."""
    found: tuple[Found, ...] = ()
    came: str = ""
    """SHA-256 of the body as it came, where another one was sent."""
    why: str = ""
    """Why it could not be looked through; empty: it was."""

    def view(self) -> dict[str, Any]:
        """As the decision's entry has it."""
        return {
            "action": self.action,
            "found": [one.view() for one in self.found],
            "came": self.came,
            "why": self.why[:200],
        }

    @property
    def in_words(self) -> str:
        """For operators: rules and places."""
        return self.why or ", ".join(f"{one.rule} in {one.at}" for one in self.found)


class Memory:
    """What texts hold, by their digests. For several threads: each step is one operation on a dictionary."""

    def __init__(self, most: int = MOST_KNOWN) -> None:
        self._most = most
        self._young: dict[bytes, tuple[Span, ...]] = {}
        self._old: dict[bytes, tuple[Span, ...]] = {}

    def get(self, digest: bytes) -> tuple[Span, ...] | None:
        found = self._young.get(digest)
        if found is None and (found := self._old.get(digest)) is not None:
            self.put(digest, found)
        return found

    def put(self, digest: bytes, spans: tuple[Span, ...]) -> None:
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[digest] = spans


class SecretFinder:
    """Looks for credentials of published formats, and for the gateway's own. One for each thread; the memory is shared."""

    def __init__(self, redactor: Redactor, memory: Memory) -> None:
        self._redactor = redactor
        self._memory = memory
        self._one_pass = OnePass(SECRET_RULES)
        self._exact = [Exact(rule) for rule in SECRET_RULES]
        self.read = 0
        """Bytes that were looked at so far."""

    def look(self, body: Any, but: Collection[str] = ()) -> Looked:
        """What stands in the texts of a parsed body, but for what these rules find. Raises ScanError."""
        held = self._spans(texts_in(body))
        if not held:
            return CLEAN
        parts = parts_of(body)
        found: Counter[tuple[str, str]] = Counter()
        cuts: dict[int, tuple[Cut, ...]] = {}
        for part in parts:
            # What is allowed is left out first: something else may begin within it.
            spans = _apart([span for span in held.get(part.text, ()) if span.rule not in but])
            if not spans:
                continue
            cuts[part.token] = tuple(_cut(span) for span in spans)
            at = str(part.place)
            for span in spans:
                key = (span.rule, at)
                found[key if key in found or len(found) < MOST_TOLD else (span.rule, "*")] += 1
        return Looked(tuple(sorted(Found(rule, at, count) for (rule, at), count in found.items())), cuts)

    def masked(self, data: bytes, but: Collection[str] = ()) -> bytes:
        """The body with a mask in the place of every secret, looked at again until none is left; every other byte as it was.

        `data` was read strictly before. Raises ScanError where it cannot be done.
        """
        for _ in range(_ROUNDS):
            try:
                looked = self.look(read_strings(data), but)
            except (ValueError, RecursionError) as error:
                raise ScanError("holds secrets that cannot be masked") from error
            if not looked.cuts:
                return data
            data = with_cuts(data, looked.cuts)
        raise ScanError("holds secrets that cannot be masked")

    def _spans(self, texts: Collection[str]) -> dict[str, tuple[Span, ...]]:
        """Those of the texts that hold secrets."""
        held: dict[str, tuple[Span, ...]] = {}
        fresh: list[str] = []
        digests: dict[str, bytes] = {}
        for text in texts:
            if len(text) < _WORTH_KNOWING:
                fresh.append(text)
                continue
            digests[text] = digest = self._digest(text)
            known = self._memory.get(digest)
            if known is None:
                fresh.append(text)
            elif known:
                held[text] = known
        if fresh:
            try:
                found = self._scan(fresh)
            except (MemoryError, *ENGINE_ERRORS) as error:
                raise ScanError(f"could not be looked through for secrets: {type(error).__name__}") from error
            held |= found
            for text in fresh:
                if text in digests:
                    self._memory.put(digests[text], found.get(text, ()))
        return held

    def _digest(self, text: str) -> bytes:
        """Of the text, and of how many secrets the gateway knew when it was looked at."""
        learnt = self._redactor.learnt.to_bytes(8, "big")
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, salt=learnt).digest()

    def _have_none(self, texts: Sequence[str]) -> bool:
        """Whether nothing is found in all of them together, as nearly always. False: they are to be looked at one by one."""
        together = _BETWEEN.join(texts)
        try:
            data = together.encode()
        except UnicodeEncodeError:
            return False
        if self._one_pass.hits(data) or (self._redactor and self._redactor.spans(together)):
            return False
        self.read += len(data)
        return True

    def _scan(self, texts: Sequence[str]) -> dict[str, tuple[Span, ...]]:
        if self._have_none(texts):
            return {}
        whole = [_whole(text) for text in texts]
        encoded = [text.encode() for text in whole]
        data = _BETWEEN.encode().join(encoded)
        self.read += len(data)
        starts = [0, *accumulate(len(each) + len(_BETWEEN) for each in encoded)]
        spans: dict[int, list[Span]] = {}
        left = _MOST_SPANS
        for place, _ in self._one_pass.hits(data):
            for begin, end in self._exact[place].spans(data, 0, len(data)):
                left -= 1
                if left < 0:
                    raise ScanError("holds more secrets than can be masked")
                index = bisect_right(starts, begin) - 1
                spans.setdefault(index, []).append(Span(begin - starts[index], end - starts[index], SECRET_RULES[place].id))
        if self._redactor:
            for index, text in enumerate(whole):
                at = seen = 0
                for begin, end in self._redactor.spans(text):
                    left -= 1
                    if left < 0:
                        raise ScanError("holds more secrets than can be masked")
                    first = at + len(text[seen:begin].encode())
                    at, seen = first + len(text[begin:end].encode()), end
                    spans.setdefault(index, []).append(Span(first, at, OWN))
        return {texts[index]: tuple(found) for index, found in spans.items()}


def _whole(text: str) -> str:
    """The text, with a sign of the same length in the place of each half of a pair: clients cut texts anywhere."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _HALVES.sub("\ufffd", text)
    return text


def _cut(span: Span) -> Cut:
    return Cut(span.begin, span.end, OWN_MASK if span.rule == OWN else MASK.format(rule=span.rule))


def _apart(spans: list[Span]) -> tuple[Span, ...]:
    """In order; of those that overlap one, named by the gateway's own where that is among them."""
    apart: list[Span] = []
    for span in sorted(set(spans), key=lambda each: (each.begin, each.end)):
        if apart and span.begin < apart[-1].end:
            before = apart[-1]
            rule = OWN if OWN in (before.rule, span.rule) else before.rule
            apart[-1] = Span(before.begin, max(before.end, span.end), rule)
        else:
            apart.append(span)
    return tuple(apart)
