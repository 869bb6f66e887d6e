"""Which label a call's answer brings to its run, and what has to be recorded for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.label import CLEAN, Label, memory_place
from ringfence.core.model.profile import Effect, ToolProfile, Trust
from ringfence.core.model.run import Run
from ringfence.core.model.words import Words
from ringfence.core.records.unit import JoinLabel, JoinPlace

NOBODY: frozenset[AgentId] = frozenset()
REFUSED = Label(Trust.UNTRUSTED)
"""Of an error's text: a server repeats in it what others have written, whatever its results are worth."""


def incoming(profile: ToolProfile, kept: Label = CLEAN) -> Label:
    """The label of everything that a call may bring: its result, its progress, its server's questions.

    `kept` is that of its server's memory; it counts where the tool reads from it.
    """
    integrity = Trust.TRUSTED if profile.sanitiser else profile.trust
    read = profile.sensitivity if profile.effect is Effect.READ else CLEAN.confidentiality
    own = Label(integrity, read)
    return own.joined(kept) if profile.memory else own


def rising(call: Call, profile: ToolProfile, run: Run, effective: Label, kept: Label) -> tuple[JoinLabel | JoinPlace, ...]:
    """What is recorded together with an allowed call: before anything of its answer can reach anybody.

    `effective` is the run's with those above it: what it may write to a memory.
    """
    changes: list[JoinLabel | JoinPlace] = []
    brings = incoming(profile, kept)
    if not run.label.covers(brings):
        changes.append(JoinLabel(run.id, brings))
    if profile.memory and profile.effect is Effect.WRITE and not kept.covers(effective):
        changes.append(JoinPlace(memory_place(call.server), effective))
    return tuple(changes)


def trusted_words(chain: Sequence[Run], attesting: frozenset[AgentId] = NOBODY) -> tuple[Words, ...]:
    """What operators have said to a run and to those above it: tasks that they stated, and what they added. Own words first.

    What only a client attests counts in runs of agents that are `attesting`: for which the operator has said so.
    """
    said: list[Words] = []
    for run in chain:
        if run.task_trusted and run.task:
            said.append(Words(run.task, run.opened_by, run.opened_at))
        said.extend(words for words in run.words if not words.is_attested_only or run.agent in attesting)
    return tuple(said)
