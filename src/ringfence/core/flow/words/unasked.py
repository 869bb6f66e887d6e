"""Whether people have asked for what a call does, where its operator says by which words they would. Pure.

In an untrusted run right values in the wrong tool are an attack: the task names a host to look at, a page says to release it.
The words of `said_as` are an operator's; where there are none, nobody looks.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.flow.words.asking_for import asks_for
from ringfence.core.flow.words.spoken import spoken_of
from ringfence.core.model.facts import Facts
from ringfence.core.model.profile import Authority, Effect, Role, ToolProfile
from ringfence.core.model.provenance import Flow, Origin, SourceKind

_MOST_WORDS: Final = 50
_MOST_NAMED: Final = 5


def unasked(facts: Facts, flow: Flow, profile: ToolProfile) -> tuple[Origin, ...]:
    """One origin for the call as a whole if nobody who may steer the run has asked for it; otherwise none."""
    is_sink = profile.effect is Effect.WRITE or profile.outbound
    if not (profile.said_as and is_sink and facts.label.is_untrusted):
        return ()
    if any(asks_for(spoken_of(words).raw, profile.said_as) for words in flow.words[:_MOST_WORDS]):
        return ()
    return (Origin("", Authority("", Role.CONTROL), SourceKind.UNASKED, _in_words(profile.said_as)),)


def _in_words(said_as: tuple[str, ...]) -> str:
    named = ", ".join(f"`{word}`" for word in said_as[:_MOST_NAMED])
    more = f" (or {len(said_as) - _MOST_NAMED} more)" if len(said_as) > _MOST_NAMED else ""
    return f"the task does not ask for this: none of {named}{more} is in the words"
