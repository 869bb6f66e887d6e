"""Scanning what a server sent: what was found and where, and the same value with its secrets masked. Pure.

    scanner = Scanner()
    seen = scanner.see(result, "/result")
    seen.findings                        # never the text itself
    scanner.masked(result, seen)         # the agent's copy

It detects, it does not guarantee: a text can be worded, spelled or split so that no list knows it.
"""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import Any, Final

from ringfence.core.scan.disguise import Disguises
from ringfence.core.scan.disguise_rules import DISGUISE_RULES
from ringfence.core.scan.engines import ENGINE_ERRORS, NOT_ONE, Exact, OnePass
from ringfence.core.scan.exfiltration_rules import EXFILTRATION_RULES
from ringfence.core.scan.french_rules import FRENCH_RULES
from ringfence.core.scan.german_rules import GERMAN_RULES
from ringfence.core.scan.hidden_rules import HIDDEN_RULES
from ringfence.core.scan.instruction_rules import INSTRUCTION_RULES
from ringfence.core.scan.personal import Personal
from ringfence.core.scan.personal_rules import PERSONAL_RULES
from ringfence.core.scan.places import places_of, replaced, texts_of
from ringfence.core.scan.posing_rules import POSING_RULES
from ringfence.core.scan.redactor import MASK as OWN_MASK
from ringfence.core.scan.redactor import RULE as OWN_RULE
from ringfence.core.scan.redactor import Redactor, masked
from ringfence.core.scan.rule import Kind, Rule
from ringfence.core.scan.secret_rules import SECRET_RULES
from ringfence.core.scan.spanish_rules import SPANISH_RULES
from ringfence.errors import UnavailableError

OWN: Final = Rule(OWN_RULE, Kind.OWN, "")
"""Stands for every secret that the gateway itself knows."""
SECRETS: Final = frozenset({Kind.SECRET})
_NO_SPANS: Final[Mapping[str, list[tuple[int, int]]]] = {}
RULES: Final[tuple[Rule, ...]] = (
    *INSTRUCTION_RULES, *POSING_RULES, *GERMAN_RULES, *FRENCH_RULES, *SPANISH_RULES, *EXFILTRATION_RULES, *DISGUISE_RULES,
    *HIDDEN_RULES, *SECRET_RULES,
)  # fmt: skip
EVERY_RULE: Final[tuple[Rule, ...]] = (*RULES, *PERSONAL_RULES)
MASK: Final = "[masked: {rule}]"
"""In place of what is masked. Orders to a model are named by their class: which phrasing it was is of use to their author."""
MOST_FINDINGS: Final = 20
"""Places that are told of one value. More are counted as one more finding at `*`."""

_BETWEEN: Final = "\n\0\n"
"""Between two texts: no rule matches across a NUL, and no text from the wire holds one."""
_AT_ONCE: Final = 1 << 20
"""Characters that own secrets are looked for in at once: meanwhile no other thread goes on."""
_MOST_BYTES: Final = 32 << 20
_MOST_WORK: Final = 384 << 20
"""Bytes that are looked at for spans: those of the value, once for each rule that has to read all of it."""
_MOST_SPANS: Final = 10_000
_MOST_CHECKED: Final = 200_000
"""Candidates for personal data in one value."""
_MOST_COUNTED: Final = 100
_BEFORE, _AFTER = 4096, 1 << 20
"""Where matches that are only told of are counted: around the first one."""
_ROUNDS: Final = 3


class ScanError(UnavailableError):
    """The value could not be scanned, so it must not be passed on."""

    public_message = "withheld"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What was found, where, and how often. Never the text itself."""

    kind: Kind
    rule: str
    at: str
    """A JSON pointer of the field; `*` for a key that is no plain name."""
    count: int
    is_hidden: bool = False
    is_least: bool = False
    """There may be more: counting stopped at a limit. Never so of what is masked."""


@dataclass(slots=True)
class Work:
    """What a scanner did so far: what can be held against the size of what it was given."""

    passed: int = 0
    """Bytes that went through the one pass."""
    read: int = 0
    """Bytes that were handed on to find spans."""
    spans: int = 0
    """Matches that were looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a value came to."""

    findings: tuple[Finding, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Texts that hold secrets, and what the agent gets in their place."""
    own: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The same for the gateway's own secrets alone."""


CLEAN: Final = Seen()


class Scanner:
    """All rules, compiled. One for each thread."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._one_pass = OnePass(RULES)
        self._disguises = Disguises(self._one_pass, RULES, _exact())
        self.redactor = redactor if redactor is not None else Redactor()
        self._with_personal: OnePass | None = None
        self.in_entries: Personal | None = None
        """What no entry shows of what agents send."""
        self.work = Work()

    def prepare(self) -> None:
        """Compile what finds personal data, some tenths of a second, before a call needs it."""
        if self._with_personal is None:
            self._with_personal = OnePass(EVERY_RULE)

    def see(
        self, value: Any, at: str, *, rules: bool = True, personal: Personal | None = None, masks: Set[Kind] = SECRETS
    ) -> Seen:
        """What stands in the texts and keys of a JSON value. `at` goes before each pointer. Raises ScanError.

        Without `rules` only the gateway's own secrets are looked for, and `personal` data where that is given. `masks` says
        what is masked in `Seen.masks`.
        """
        binary: list[str] = []
        try:
            texts = texts_of(value, binary)
            joined = _BETWEEN.join(texts)
            whole = joined.encode()
            if len(whole) > _MOST_BYTES:
                raise ScanError("too large to be scanned")
            own = self._own(joined, texts, binary) if self.redactor else _NO_SPANS
            hits = self._hits(whole, rules, personal)
            if not hits and not own:
                return CLEAN
            return self._locate(value, at, texts, whole, hits, own, personal, masks)
        except (UnicodeEncodeError, RecursionError, MemoryError, *ENGINE_ERRORS) as error:
            raise ScanError(f"could not be scanned: {type(error).__name__}") from error

    def masked(
        self,
        value: Any,
        seen: Seen,
        *,
        only_own: bool = False,
        rules: bool = True,
        personal: Personal | None = None,
        masks: Set[Kind] = SECRETS,
    ) -> Any:
        """The value with every secret masked, looked at again until none is left. Raises ScanError.

        `rules`, `personal` and `masks` are what it was seen with.
        """
        if only_own:
            rules, personal = False, None
        for _ in range(_ROUNDS):
            copies = seen.own if only_own else seen.masks
            if not copies:
                return value
            try:
                value = replaced(value, copies)
            except RecursionError as error:
                raise ScanError("too deep to be masked") from error
            seen = self.see(value, "", rules=rules, personal=personal, masks=masks)
        if seen.own if only_own else seen.masks:
            raise ScanError("holds secrets that cannot be masked")
        return value

    def _hits(self, whole: bytes, rules: bool, personal: Personal | None) -> list[tuple[int, int]]:
        if not rules and personal is None:
            return []
        self.work.passed += len(whole)
        if personal is None:
            return self._one_pass.hits(whole)
        self.prepare()
        assert self._with_personal is not None  # INVARIANT: just prepared
        return [
            (place, end)
            for place, end in self._with_personal.hits(whole)
            if (rules if place < len(RULES) else EVERY_RULE[place].id in personal.rules)
        ]

    def _own_spans(self, joined: str) -> list[tuple[int, int]]:
        if len(joined) <= _AT_ONCE:
            return self.redactor.spans(joined)
        spans: list[tuple[int, int]] = []
        begin = 0
        while begin < len(joined):
            cut = joined.find(_BETWEEN, begin + _AT_ONCE)
            end = len(joined) if cut < 0 else cut + len(_BETWEEN)
            spans += [(begin + first, begin + last) for first, last in self.redactor.spans(joined[begin:end])]
            begin = end
        return spans

    def _own(self, joined: str, texts: list[str], binary: list[str]) -> dict[str, list[tuple[int, int]]]:
        """The gateway's own secrets: where they stand in which text, in characters."""
        found: dict[str, list[tuple[int, int]]] = {}
        if spans := self._own_spans(joined):
            starts = [0, *accumulate(len(text) + len(_BETWEEN) for text in texts)]
            for begin, end in spans:
                index = bisect_right(starts, begin) - 1
                found.setdefault(texts[index], []).append((begin - starts[index], end - starts[index]))
        for data in binary:
            if spans := self.redactor.spans(data):
                found[data] = spans
        if sum(map(len, found.values())) > _MOST_SPANS:
            raise ScanError("holds more secrets than can be masked")
        return found

    def _locate(
        self,
        value: Any,
        at: str,
        texts: list[str],
        whole: bytes,
        hits: list[tuple[int, int]],
        own: Mapping[str, list[tuple[int, int]]],
        personal: Personal | None,
        mask: Set[Kind],
    ) -> Seen:
        if len(whole) * sum(_is_read_whole(EVERY_RULE[place]) or Kind.INSTRUCTIONS in mask for place, _ in hits) > _MOST_WORK:
            raise ScanError("too large for what it holds")
        starts = [0, *accumulate(len(text.encode()) + len(_BETWEEN) for text in texts)]
        counts: dict[str, Counter[Rule]] = {}
        spans: dict[int, list[tuple[int, int, str]]] = {}
        seen: set[tuple[str, int]] = set()
        among = frozenset(texts) if own else frozenset[str]()
        exact = _exact()
        left, checked = _MOST_SPANS, 0
        cut_off: set[str] = set()
        for place, first_end in sorted(hits):
            rule = EVERY_RULE[place]
            start, end, most = 0, len(whole), left if rule.kind in mask else _MOST_COUNTED
            if rule.kind is Kind.INSTRUCTIONS and rule.kind not in mask and not _is_read_whole(rule):
                start, end = max(0, first_end - _BEFORE), min(end, first_end + _AFTER)
                if end < len(whole):
                    cut_off.add(rule.id)
            self.work.read += end - start
            found = 0
            spans_of = (
                self._disguises.spans(rule.reading, exact[place], whole, rule.kind)
                if rule.reading
                else exact[place].spans(whole, start, end)
            )
            for begin, stop in spans_of:
                if rule.check is not None:
                    checked += 1
                    if checked > _MOST_CHECKED:
                        raise ScanError("holds too many numbers that may be personal data")
                    if stop == NOT_ONE or (personal and not personal.counts(whole[begin:stop].decode())):
                        continue
                found += 1
                if found > most:
                    if rule.kind in mask:
                        raise ScanError("holds more secrets than can be masked")
                    cut_off.add(rule.id)
                    break
                self.work.spans += 1
                index = bisect_right(starts, begin) - 1
                key = (rule.id, begin)
                if key in seen:
                    continue  # two phrasings of one rule
                seen.add(key)
                counts.setdefault(texts[index], Counter())[_named(rule)] += 1
                if rule.kind in mask:
                    left -= 1
                    spans.setdefault(index, []).append((begin - starts[index], stop - starts[index], _shown(rule)))
        self.work.passed += self._disguises.passed()
        known = {text: _own_mask(text, found, is_binary=text not in among) for text, found in own.items()} if own else {}
        for text, found in own.items():
            counts.setdefault(text, Counter())[OWN] += len(found)
        masks = {texts[index]: _mask(texts[index], found, own.get(texts[index], ())) for index, found in spans.items()}
        return Seen(_findings(value, counts, at, cut_off), {**known, **masks}, known)


def _is_read_whole(rule: Rule) -> bool:
    """Whether the first hit does not say where matches begin, or every match counts."""
    return rule.kind is not Kind.INSTRUCTIONS or bool(rule.skip or rule.trigger)


@cache
def _exact() -> list[Exact]:
    return [Exact(rule) for rule in EVERY_RULE]


@cache
def _first_of() -> dict[str, Rule]:
    return {rule.id: rule for rule in reversed(RULES)}


def _named(rule: Rule) -> Rule:
    """The rule that stands for all phrasings of one id."""
    return _first_of().get(rule.id, rule)


def _shown(rule: Rule) -> str:
    return rule.kind.value if rule.kind is Kind.INSTRUCTIONS else rule.id


def _findings(value: Any, counts: Mapping[str, Counter[Rule]], at: str, cut_off: Set[str]) -> tuple[Finding, ...]:
    found: Counter[tuple[Rule, str]] = Counter()
    elsewhere = f"{at}/*"
    for text, place in places_of(value, counts.keys(), at):
        pointer = str(place) if len(found) < MOST_FINDINGS else elsewhere
        for rule, count in counts[text].items():
            found[rule, pointer] += count
    return tuple(
        sorted(Finding(r.kind, r.id, pointer, count, r.is_hidden, r.id in cut_off) for (r, pointer), count in found.items())
    )


def _own_mask(text: str, spans: Iterable[tuple[int, int]], *, is_binary: bool) -> str:
    # What is base64 stays base64.
    return b64encode(OWN_MASK.encode()).decode() if is_binary else masked(text, spans)


def _in_bytes(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
    """Spans in characters, in order, as spans of the text's UTF-8. Each is counted on from the one before."""
    characters = count = 0
    for begin, end in spans:
        first = count + len(text[characters:begin].encode())
        characters, count = end, first + len(text[begin:end].encode())
        yield first, count, OWN.id


def _mask(text: str, spans: list[tuple[int, int, str]], own: Iterable[tuple[int, int]]) -> str:
    """The text with these spans of its UTF-8 replaced; those that overlap become one."""
    encoded = text.encode()
    spans = [*spans, *_in_bytes(text, own)]
    pieces: list[bytes] = []
    end = 0
    for begin, stop, rule in sorted(spans):
        if begin >= end:
            pieces += [encoded[end:begin], MASK.format(rule=rule).encode()]
        end = max(end, stop)
    return b"".join([*pieces, encoded[end:]]).decode("utf-8", "replace")
