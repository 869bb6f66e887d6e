"""Does every value that decides who or what is acted on, or how much, come from somebody who may decide?

And did they ask for what is done with it?
"""

from typing import Final

from ringfence.core.explaining.plain_text import plain
from ringfence.core.flow.origins import underived
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.provenance import Origin, SourceKind
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict

ALLOW = Verdict(Level.ALLOW)
_MOST_NAMED: Final = 5


def provenance(call: Call, facts: Facts) -> Verdict:
    """Ask, or deny as configured, where no trusted source gives a value that carries authority, and where an untrusted run does
    what nobody has asked for in the words that its tool's operator declared.

    The reason names arguments and where their values were seen, for operators; a value itself is on the card.
    """
    if facts.flow is None or facts.flow.rules.underivable is Level.ALLOW:
        return ALLOW
    held = underived(call, facts)
    if not held:
        return ALLOW
    reason = Reason(ReasonCode.PROVENANCE, "provenance", _in_words(held))
    if facts.flow.rules.underivable is Level.ASK:
        return Verdict(Level.ASK, (reason,), (Gate(ReasonCode.PROVENANCE),))
    return Verdict(facts.flow.rules.underivable, (reason,))


def _in_words(held: tuple[Origin, ...]) -> str:
    named = [_one(origin) for origin in held]
    more = f"; and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return "; ".join(named[:_MOST_NAMED]) + more


def _one(origin: Origin) -> str:
    if origin.kind is SourceKind.UNASKED:
        return plain(origin.where, 200)
    return f"{plain(origin.pointer, 80) or 'the arguments'} ({origin.authority.role}): {plain(origin.where, 120)}"
