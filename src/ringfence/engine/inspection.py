"""Step 6: everything that a server says during one call passes here before the agent or its client gets it.

What is found is recorded with the outcome. What happens to it is the operator's: passed on, masked, withheld. What cannot be
scanned is withheld. This detects; what may be done with what a server said is decided elsewhere, whatever it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, cast

from ringfence.core.rules import ArgumentAction, InstructionAction, PersonalArguments, ScanRule, SecretAction
from ringfence.core.scan.personal import Personal
from ringfence.core.scan.redactor import RULE, Seam
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import Finding, ScanError, Scanner
from ringfence.engine.entries import error_facts, result_facts
from ringfence.engine.outcome import Held, Outcome, Returned, ServerFailed, Withheld
from ringfence.engine.secrets.personal_data import masked_in
from ringfence.engine.waiting.large_answers import LARGE, LargeAnswers

Listener = Callable[[Mapping[str, Any]], None]
NOT_SCANNED: Final = "not-scanned"
"""Stands for arguments that went on although they could not be scanned."""
_MOST_PLACES = 50
_SECRETS = frozenset({Kind.SECRET, Kind.OWN})
_MASKS = frozenset({InstructionAction.MASK, SecretAction.MASK})
_KEPT_FROM_PEOPLE = frozenset({InstructionAction.MASK, InstructionAction.WITHHOLD})
_REFUSED = "the request was refused by its inspection"


class Inspection:
    """One call's."""

    def __init__(self, scanner: Scanner, rule: ScanRule) -> None:
        self._scanner = scanner
        self._rule = rule
        self._off = rule.instructions is InstructionAction.OFF and rule.secrets is SecretAction.OFF
        personal = rule.personal
        self._personal = personal.look_for if personal is not None and personal.results is not SecretAction.OFF else None
        self._on_personal = personal.results if personal is not None else SecretAction.OFF
        actions = (
            (Kind.INSTRUCTIONS, rule.instructions), (Kind.SECRET, rule.secrets), (Kind.PERSONAL, self._on_personal),
        )  # fmt: skip
        self._masks = frozenset(kind for kind, action in actions if action in _MASKS)
        self._redactor = scanner.redactor
        self._denies_leaving = False
        self._found: dict[tuple[Kind, str, str], Finding] = {}
        self._kept = 0
        self.facts: Mapping[str, Any] | None = None
        """What the log keeps of a large result, once it was inspected."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, by class, rule and place. Bounded; without the texts."""
        return tuple(sorted(self._found.values()))

    def leaving(self, arguments: Mapping[str, Any], is_outbound: bool, beside: Mapping[str, Any] | None = None) -> None:
        """Note what a call that goes on carries, in its arguments and in `_meta` beside them."""
        self._denies_leaving = self._rule.on_arguments(is_outbound) is ArgumentAction.DENY
        secrets = self._rule.on_arguments(is_outbound) is not ArgumentAction.OFF
        personal = personal_in_arguments(self._rule, PersonalArguments.FLAG)
        if self._rule.personal is not None and self._rule.personal.arguments is PersonalArguments.MASK:
            self._note(masked_in(arguments, "/arguments"))
        if personal is None and not secrets:
            return
        try:
            found = self._scanner.see(arguments, "/arguments", rules=secrets, personal=personal).findings
            if beside:
                found += self._scanner.see(beside, "/_meta", rules=secrets, personal=personal).findings
        except ScanError:
            # Where secrets are refused, the call was refused with it; here it is only said.
            self._note([Finding(Kind.SECRET, NOT_SCANNED, "/arguments", 1)])
            return
        told = {Kind.SECRET, Kind.PERSONAL}
        self._note([one for one in found if one.kind in told and one.rule not in self._rule.allow])

    def keeping(self, may_keep: Callable[[int], bool]) -> Callable[[int], bool]:
        """The same, remembering how much was kept: what the answer weighs."""

        def keep(size: int) -> bool:
            granted = may_keep(size)
            if granted:
                self._kept += size
            return granted

        return keep

    async def inspected(self, outcome: Outcome, large: LargeAnswers, until: float) -> Outcome:
        """As `outcome`; of a large answer in a thread. `until` (seconds of the loop's clock) it is scanned, or withheld."""
        if self._passes_all or self._kept < LARGE or not isinstance(outcome, Returned | ServerFailed):
            return self.outcome(outcome)
        try:
            async with asyncio.timeout_at(until):
                passed, findings, self.facts = await large.scanned(partial(_in_one_go, rule=self._rule, outcome=outcome))
        except TimeoutError:
            return Withheld(Held.UNREADABLE, outcome.entry, {"why": "it could not be scanned in time"})
        self._note(list(findings))
        return passed

    def outcome(self, outcome: Outcome) -> Outcome:
        """What the agent gets of the server's answer. An answer that never came is returned as it is."""
        match outcome:
            case Returned(result=result, entry=entry):
                passed = self._passed(result, "/result")
                if isinstance(passed, Held):
                    return Withheld(passed, entry, result_facts(result))
                return outcome if passed is result else Returned(passed, entry)
            case ServerFailed(code=code, message=message, entry=entry, data=data):
                said = {"message": message, "data": data}
                passed = self._passed(said, "/error")
                if isinstance(passed, Held):
                    return Withheld(passed, entry, error_facts(code, message))
                return outcome if passed is said else replace(outcome, message=passed["message"], data=passed["data"])
            case _:
                return outcome

    def progress(self, listener: Listener | None) -> Listener | None:
        """A client's ear for progress. A message that is withheld leaves the numbers."""
        if listener is None or self._passes_all:
            return listener
        seam = Seam(self._redactor)

        def on_progress(report: Mapping[str, Any]) -> None:
            passed = self._passed(self._sewn(report, "message", seam, "/progress"), "/progress")
            listener({k: v for k, v in report.items() if k != "message"} if isinstance(passed, Held) else passed)

        return on_progress

    def logs(self, listener: Listener | None) -> Listener | None:
        """A client's ear for log messages. One that is withheld is left out."""
        if listener is None or self._passes_all:
            return listener
        seam = Seam(self._redactor)

        def on_log(message: Mapping[str, Any]) -> None:
            passed = self._passed(self._sewn(message, "data", seam, "/log"), "/log")
            if not isinstance(passed, Held):
                listener(passed)

        return on_log

    def question(self, params: Mapping[str, Any]) -> str:
        """Why a server's request may not reach the client; empty: it may.

        A question is never masked: one that holds a credential, or characters that nobody sees, is refused; so is one with
        orders to a model where these are masked or withheld.
        """
        if self._passes_all:
            return ""
        try:
            found = self._wanted(self._scanner.see(params, "/request", rules=not self._off).findings)
        except ScanError:
            return _REFUSED
        self._note(found)
        withheld = self._rule.instructions in _KEPT_FROM_PEOPLE
        return _REFUSED if any(f.kind is not Kind.INSTRUCTIONS or f.is_hidden or withheld for f in found) else ""

    def may_answer(self, answer: Mapping[str, Any]) -> bool:
        """Whether what a client answers a server may leave: it is held to what the arguments of the call are held to."""
        denies = self._denies_leaving
        if not denies and not self._redactor:
            return True
        try:
            found = self._scanner.see(answer, "/answer", rules=denies).findings
        except ScanError:
            return False
        allowed = self._rule.allow
        refused = [one for one in found if one.kind is Kind.OWN or (one.kind is Kind.SECRET and one.rule not in allowed)]
        self._note(refused)
        return not refused

    def _passed(self, value: Mapping[str, Any], at: str) -> Mapping[str, Any] | Held:
        """The value as the agent may have it: itself, where nothing of it has to change."""
        if self._passes_all:
            return value
        try:
            seen = self._scanner.see(value, at, rules=not self._off, personal=self._personal, masks=self._masks)
            if not seen.findings:
                return value
            found = self._wanted(seen.findings)
            self._note(found)
            kinds = {finding.kind for finding in found}
            if Kind.INSTRUCTIONS in kinds and self._rule.instructions is InstructionAction.WITHHOLD:
                return Held.INSTRUCTIONS
            if kinds & _SECRETS and self._rule.secrets is SecretAction.WITHHOLD:
                return Held.SECRET
            if Kind.PERSONAL in kinds and self._on_personal is SecretAction.WITHHOLD:
                return Held.PERSONAL
            if kinds & self._masks:
                without = self._scanner.masked(value, seen, rules=not self._off, personal=self._personal, masks=self._masks)
                return cast("Mapping[str, Any]", without)
            if Kind.OWN in kinds:
                return cast("Mapping[str, Any]", self._scanner.masked(value, seen, only_own=True))
        except ScanError:
            return Held.UNREADABLE
        return value

    @property
    def _passes_all(self) -> bool:
        """Nothing is looked for: the operator wants no rules, and the gateway knows no secrets."""
        return self._off and self._personal is None and not self._redactor

    def _sewn(self, message: Mapping[str, Any], key: str, seam: Seam, at: str) -> Mapping[str, Any]:
        """A message without the part of a secret that reaches into it from the one before."""
        text = message.get(key)
        if not isinstance(text, str) or (whole := seam.piece(text)) == text:
            return message
        self._note([Finding(Kind.OWN, RULE, f"{at}/{key}", 1)])
        return {**message, key: whole}

    def _wanted(self, findings: tuple[Finding, ...]) -> list[Finding]:
        off = {Kind.INSTRUCTIONS} if self._rule.instructions is InstructionAction.OFF else set[Kind]()
        off |= {Kind.SECRET} if self._rule.secrets is SecretAction.OFF else set()
        return [finding for finding in findings if finding.kind not in off]

    def _note(self, findings: list[Finding]) -> None:
        for finding in findings:
            key = (finding.kind, finding.rule, finding.at)
            if key not in self._found and len(self._found) >= _MOST_PLACES:
                key, finding = (finding.kind, finding.rule, "/*"), replace(finding, at="/*")
            known = self._found.get(key)
            if known is not None:
                least = known.is_least or finding.is_least
                finding = replace(known, count=known.count + finding.count, is_least=least)
            self._found[key] = finding


def personal_in_arguments(rule: ScanRule, action: PersonalArguments) -> Personal | None:
    """What is looked for in arguments to this end; None: nothing."""
    return rule.personal.look_for if rule.personal is not None and rule.personal.arguments is action else None


def _in_one_go(
    scanner: Scanner, rule: ScanRule, outcome: Returned | ServerFailed
) -> tuple[Outcome, tuple[Finding, ...], Mapping[str, Any] | None]:
    """An inspection by itself, which shares nothing with the event loop's."""
    inspection = Inspection(scanner, rule)
    passed = inspection.outcome(outcome)
    return passed, inspection.findings, result_facts(passed.result) if isinstance(passed, Returned) else None
