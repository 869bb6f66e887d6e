"""From what a call came to, to what a hook is told. The agent hears the class of a rule, never more."""

from __future__ import annotations

from typing import Any, Final

from ringfence.core.explaining.rule_class import TEXTS, RuleClass, class_of, text_of
from ringfence.core.model.ticket import Ticket
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.engine.identity.identify import Unidentified
from ringfence.engine.local.asked import NOTHING, Answer, Say
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Returned, Waiting, Withheld

OUTPUT: Final = "output"
"""Where what a tool brought stands in the result of its call."""
UNAVAILABLE: Final = Answer(say=Say.REFUSE, why=f"ringfence: {TEXTS[RuleClass.NOT_RECORDED]}")
UNKNOWN: Final = Answer(say=Say.REFUSE, why=f"ringfence: {TEXTS[RuleClass.CREDENTIAL]}")
KILLED: Final = Answer(say=Say.HALT, why="ringfence: stopped by an operator", is_withheld=True)
OVER: Final = Answer(say=Say.REFUSE, why=f"ringfence: {TEXTS[RuleClass.RUN_ENDED]}", is_withheld=True)
ENDED: Final = Answer(say=Say.REFUSE, why="ringfence: refused: it was told to be over before it began; try again")
PAUSED: Final = Answer(say=Say.REFUSE, why="ringfence: paused by an operator; try again later")


def stranger(found: Unidentified) -> Answer:
    """Of a client whose run cannot be told. Who holds the credential of one that has ended may know that it has."""
    return OVER if found.has_ended else UNKNOWN


def refusal(outcome: Outcome) -> Answer:
    """Of a call that is not let through."""
    match outcome:
        case Refused(level=level, reasons=reasons, entry=entry):
            codes = {reason.code for reason in reasons}
            text = text_of(class_of(outcome.code), reasons)
            halts = level is Level.HALT or ReasonCode.KILLED in codes
            return Answer(say=Say.HALT if halts else Say.REFUSE, why=_said(text, entry or ""))
        case Waiting(ticket=ticket, entry=entry):
            return waiting(ticket, entry)
        case NotSent(entry=entry):
            return Answer(say=Say.REFUSE, why=_said("refused: it could not be let through now; try again", entry))
        case _:
            return UNAVAILABLE


def waiting(ticket: Ticket, entry: str) -> Answer:
    """Nobody has decided in time."""
    text = (
        f"refused for now: a person has to approve this ({ticket.id}), with `ringfence approve {ticket.id}`."
        " Do something else, or end your turn; the same call again runs it once it is approved"
    )
    return Answer(say=Say.REFUSE, why=_said(text, entry))


def given(outcome: Outcome, before: Any) -> Answer:
    """Of a call that was made: what its agent may have of `before`, what the tool brought."""
    match outcome:
        case Returned(result=result):
            passed: Any = result["structuredContent"][OUTPUT]
            return NOTHING if passed == before else Answer(say=Say.NOTHING, is_replaced=True, result=passed)
        case Withheld(entry=entry):
            return Answer(say=Say.NOTHING, is_withheld=True, why=_said("withheld by its inspection", entry))
        case Ambiguous(entry=entry):
            return Answer(say=Say.NOTHING, is_withheld=True, why=_said("withheld: it cannot be recorded", entry))
        case _:
            return Answer(say=Say.NOTHING, is_withheld=True, why=UNAVAILABLE.why)


def _said(text: str, entry: str) -> str:
    return f"ringfence: {text}{f' ({entry})' if entry else ''}"
