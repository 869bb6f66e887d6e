"""The keys of `limits:`, of agents, tools, servers and the gateway as a whole."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.guards_layout import GUARDS
from ringfence.app.config.model_limits_layout import MODEL_LIMITS
from ringfence.app.config.shapes import (
    Choice,
    Decimal,
    Duration,
    Integer,
    Key,
    ListOf,
    OneOrMore,
    OrRecord,
    Record,
    Text,
    Truth,
    TruthOr,
)
from ringfence.core.model.profile import Sensitivity

POINTER: Final = r"(?:/(?:[^~/]|~[01])*)+"
RATE: Final = r"[1-9][0-9]{0,6}/(?:s|min|h|d)(?: burst [1-9][0-9]{0,5})?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
WINDOW: Final = rf"(?:{_DAY} {_CLOCK} - {_DAY} {_CLOCK}|{_DATE} {_CLOCK} - {_DATE} {_CLOCK})"
_ZONE = r"[A-Za-z][A-Za-z0-9_+/-]{0,60}|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]"
_SHORT = rf"{WINDOW}(?: (?:{_ZONE}))?"

_rate = Text("a rate such as `10/min` or `10/min burst 5`", RATE, 40, examples=("10/min burst 5", "600/h"))
_concurrent = Integer(1, 100_000)
_window = Text(
    "`run`, `minute`, `hour`, `day`, `week`, or a duration such as `15m`",
    r"run|minute|hour|day|week|[1-9][0-9]{0,6}[smhd]",
    20,
    examples=("run", "day", "1h"),
)
_pointer = Text("a JSON pointer such as `/amount`", POINTER, 200, examples=("/amount",))

FREEZE: Final = OneOrMore(
    OrRecord(
        Text("a window such as `Fri 18:00 - Mon 06:00 Europe/Berlin`", _SHORT, 120, examples=("Fri 18:00 - Mon 06:00",)),
        Record(
            {
                "window": Key(
                    Text("`Fri 18:00 - Mon 06:00` or `2026-12-24 12:00 - 2027-01-02 06:00`", WINDOW, 60),
                    "From and to, weekly or dated, in local time.",
                    required=True,
                ),
                "zone": Key(
                    Text("a time zone such as `Europe/Berlin` or `+01:00`", _ZONE, 64), "The time zone.", default="UTC"
                ),
                "action": Key(Choice(("deny", "ask")), "Whether calls are refused or a person is asked.", default="deny"),
                "reads": Key(Truth(), "Whether it holds for reads too.", default=False),
            },
            "a mapping with `window`",
        ),
        "a window such as `Fri 18:00 - Mon 06:00`, or a mapping with `window`",
    ),
    most=50,
)

_LOOPS = Record(
    {
        "repeats": Key(Integer(2, 1000), "Calls in a row that bring nothing new.", default=10),
        "spacing": Key(
            Duration(1, 3600), "Repeated calls that come no faster than this are waiting, not looping.", default="10s"
        ),
    },
    "`true`, `false` or a mapping with `repeats` and `spacing`",
)

_GENERAL: dict[str, Key] = {
    "rate": Key(_rate, "Calls in time, at an even pace: `COUNT/s|min|h|d [burst N]`, N of them at once (else COUNT)."),
    "concurrent": Key(_concurrent, "Calls under way at once."),
}
LEAVING: Final = OneOrMore(
    Record(
        {
            "bytes": Key(Integer(1, 1_000_000_000_000), "Bytes of the canonical arguments of all calls together."),
            "records": Key(
                Integer(1, 1_000_000_000), "Items of arrays, and lines of texts that have several. A call is one at least."
            ),
            "per": Key(_window, "`run`: a run with its child runs. Else any span of this length.", default="run"),
            "from": Key(
                Choice(tuple(Sensitivity)),
                "Calls count once their run was given data as confidential as this. `public`: every call that leaves counts.",
                default="confidential",
            ),
        },
        "a mapping with `bytes`, `records` or both",
    ),
    most=10,
)
_LEAVING = "How much may leave: calls of tools that reach outside, or whose arguments name a host there."
_FREEZE = Key(FREEZE, "When writes are refused, or asked about.")
_LOOP_KEY = Key(TruthOr(_LOOPS), "When a run repeats itself: the same calls bring the same results.", default=False)

SERVER_LIMITS: Final = Record(
    {**_GENERAL, "leaving": Key(LEAVING, f"{_LEAVING} All agents together.")},
    "a mapping with `rate`, `concurrent` or `leaving`",
)

GATEWAY_LIMITS: Final = Record(
    {
        **_GENERAL,
        "loops": _LOOP_KEY,
        "guards": GUARDS,
        "freeze": _FREEZE,
        "leaving": Key(LEAVING, f"{_LEAVING} Everything together."),
        **MODEL_LIMITS,
    },
    "a mapping of limits",
)

_WALL_CLOCK = OrRecord(
    Duration(),
    Record(
        {
            "cap": Key(Duration(), "The age.", required=True),
            "pauses": Key(
                Choice(("counted", "free")), "Whether the time counts in which all of a run is paused.", default="counted"
            ),
        },
        "a mapping with `cap`",
    ),
    "a duration such as `1h`, or `{cap: 1h, pauses: free}`",
)

AGENT_LIMITS: Final = Record(
    {
        "calls_per_run": Key(Integer(1, 10_000_000), "Tool calls of a run with its child runs. No cap where absent."),
        "wall_clock": Key(_WALL_CLOCK, "Age at which a run stops being served. No cap where absent."),
        "pending_approvals": Key(Integer(1, 100), "How many approvals of one run may wait at once.", default=3),
        "rows_per_run": Key(
            Integer(1, 1_000_000_000),
            "Rows of results of a run with its child runs (see `rows` of the tools). No cap where absent.",
        ),
        **{name: Key(key.shape, f"{key.about} All runs of the agent together.") for name, key in _GENERAL.items()},
        "loops": _LOOP_KEY,
        "guards": GUARDS,
        "freeze": _FREEZE,
        "leaving": Key(LEAVING, f"{_LEAVING} All runs of the agent together."),
        **MODEL_LIMITS,
    }
)

DELEGATE: Final = Record(
    {
        "depth": Key(Integer(1, 8), "Generations below the root.", default=2),
        "children": Key(Integer(1, 1_000), "Open child runs of one run.", default=5),
        "tree": Key(Integer(2, 10_000), "Open runs of one tree, the root among them.", default=20),
    },
    "a mapping with `depth`, `children` and `tree`",
)

TOOL_LIMITS: Final = Record(
    {
        "rate": Key(_rate, f"{_GENERAL['rate'].about} Of each agent by itself."),
        "concurrent": Key(_concurrent, "Calls of the tool under way at once, of all agents together."),
        "sums": Key(
            ListOf(
                Record(
                    {
                        "of": Key(_pointer, "JSON pointer of the argument that is added up.", required=True),
                        "cap": Key(Decimal(), "The most that it may add up to, in the argument's own unit.", required=True),
                        "per": Key(
                            _window,
                            "`run`: a run with its child runs. Else any span of this length, of all runs of the agent.",
                            default="run",
                        ),
                        "everybody": Key(Truth(), "Whether all agents count together. Needs a span.", default=False),
                        "absent": Key(
                            Decimal(), "What a call without the argument counts as. It is refused where this is absent."
                        ),
                    },
                    "a mapping with `of` and `cap`",
                ),
                most=20,
            ),
            "Caps on what an argument adds up to.",
        ),
        "distinct": Key(
            ListOf(
                Record(
                    {
                        "of": Key(_pointer, "JSON pointer of the argument. Each item of a list counts.", required=True),
                        "most": Key(Integer(1, 1000), "How many different values it may take.", required=True),
                        "per": Key(
                            _window,
                            "`run`: a run with its child runs. Else any span of this length, of all runs of the agent.",
                            default="run",
                        ),
                        "everybody": Key(Truth(), "Whether all agents count together. Needs a span.", default=False),
                    },
                    "a mapping with `of` and `most`",
                ),
                most=20,
            ),
            "Caps on how many different values an argument takes.",
        ),
        "rows": Key(
            Record(
                {
                    "at": Key(
                        _pointer,
                        "JSON pointer into the result, of a list or a number (`/structuredContent/rows`). "
                        "The items of `content` where absent.",
                    ),
                    "most": Key(
                        Integer(0, 1_000_000_000),
                        "What one call returns at most. It is held while the call is under way, so the cap is never passed.",
                        default=0,
                    ),
                }
            ),
            "How rows of results are counted for `rows_per_run` of the agents.",
        ),
        "polling": Key(
            Truth(), "Whether calling it again and again is how it is used: then it never counts as a loop.", default=False
        ),
        "freeze": _FREEZE,
        "leaving": Key(LEAVING, f"{_LEAVING} All agents together."),
    },
    "a mapping of limits",
)
