"""The keys of `guards:` under `limits:`, and of `stop_when:` of an agent."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.shapes import Decimal, Duration, Integer, Key, ListOf, Record, Text, Truth, TruthOr
from ringfence.core.model.guards import MICRO, Burning, GuardRules, Repeats

SIGNAL: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}"
_RULES: Final = GuardRules()
_ABOUT: Final = {
    "identical": "The same calls bring the same results.",
    "alike": "Calls that differ only in counters, times or versions bring the same results.",
    "ping_pong": "Runs of one tree hand work to and fro, and nothing new comes of it.",
    "no_progress": "A model is given what it knew and answers what it had answered.",
    "failing": "Calls of one tool fail or are refused, one after the other.",
}


def _repeats(name: str) -> Key:
    rule = getattr(_RULES, name)
    assert isinstance(rule, Repeats)  # INVARIANT: all of these are on by default
    record = Record(
        {
            "warn": Key(Integer(1, 10_000), "So many in a row: people are told.", default=rule.warn),
            "pause": Key(Integer(2, 10_000), "So many in a row: the run is paused.", default=rule.pause),
            "spacing": Key(
                Duration(1, 3600),
                "What comes no faster than this waits, and a rest of this length ends a row. Time in which a model answers "
                "does not count.",
                default=f"{rule.spacing_ms // 1000}s",
            ),
        },
        "`true`, `false` or a mapping with `warn`, `pause` and `spacing`",
    )
    return Key(TruthOr(record), _ABOUT[name], default=True)


_BURN: Final = Burning()
_burn = Record(
    {
        "warn": Key(Integer(2, 100_000), "So many times the median: people are told.", default=_BURN.warn),
        "pause": Key(Integer(2, 100_000), "So many times the median: the whole tree is paused.", default=_BURN.pause),
        "floor": Key(
            Decimal(), "A minute that cost less is never too much, in dollars.", default=str(_BURN.floor_micro // MICRO)
        ),
        "minutes": Key(
            Integer(1, 60), "Minutes that cost anything before there is a past to compare with.", default=_BURN.minutes
        ),
    },
    "`true`, `false` or a mapping with `warn`, `pause`, `floor` and `minutes`",
)

_GUARDS: Final = Record(
    {
        **{name: _repeats(name) for name in _ABOUT},
        "burn": Key(
            TruthOr(_burn), "Models cost far more in a minute than in the median of the tree's past ones.", default=True
        ),
    },
    "`true`, `false` or a mapping of guards",
)
GUARDS: Final = Key(
    TruthOr(_GUARDS),
    "When the gateway pauses a run by itself, over tools and models together. On where the file has `models`, else off.",
)

STOP_WHEN: Final = Record(
    {
        "actions": Key(
            Integer(1, 10_000_000), "Calls and requests to models of a run with its child runs: the next one pauses it."
        ),
        "destructive": Key(
            Truth(), "A call that changes what cannot be undone pauses the run, instead of asking a person.", default=False
        ),
        "suspicious": Key(
            Truth(), "Text that reads as orders to a model, in what a server sent, pauses the run.", default=False
        ),
        "untrusted": Key(Truth(), "The first answer that strangers may have written pauses the run.", default=False),
        "signals": Key(
            ListOf(Text("a signal's name of letters, digits and `_.-`", SIGNAL, 60), most=50),
            "Signals that pause its runs (`ringfence signal send NAME`).",
        ),
    },
    "a mapping of conditions",
)
