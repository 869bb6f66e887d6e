"""The keys of `limits:` that speak of requests to models, and teams."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.shapes import Decimal, Integer, Key, MapOf, OneOrMore, OrRecord, Record, Shape, Text, Truth

SPAN: Final = r"run|minute|hour|day|week|[1-9][0-9]{0,6}[smhd]"
_span = Text("`run`, `minute`, `hour`, `day`, `week`, or a duration such as `15m`", SPAN, 20, examples=("run", "day", "1h"))
_PER = "`run`: a run with its child runs. Else any span of this length."


def _cap(about: str, number: Shape, pattern: str, example: str) -> Key:
    """A cap in short, such as `5 per run`, or in full; or several of different spans."""
    expected = f"a cap such as `{example} per run` or `{example} per day`, or a mapping with `cap` and `per`"
    record = Record(
        {"cap": Key(number, "The most.", required=True), "per": Key(_span, _PER, default="run")},
        "a mapping with `cap` and `per`",
    )
    short = Text(expected, rf"{pattern}(?: per (?:{SPAN}))", 40, examples=(f"{example} per run", f"{example} per day"))
    return Key(OneOrMore(OrRecord(short, record, expected), most=10), about)


_MONEY = r"(?:0|[1-9][0-9]{0,10})(?:\.[0-9]{1,6})?"
_COUNT = r"[1-9][0-9]{0,14}"
_count = Integer(1, 10**15)

MODEL_LIMITS: Final = {
    "spend": _cap("What requests to models may cost, in the money of the price table (US dollars).", Decimal(), _MONEY, "5"),
    "tokens": _cap("Tokens that models may take in and give out.", _count, _COUNT, "2000000"),
    "tokens_in": _cap("Tokens that models may take in, those of caches among them.", _count, _COUNT, "2000000"),
    "tokens_out": _cap("Tokens that models may give out.", _count, _COUNT, "100000"),
    "model_calls": _cap("Requests to models.", _count, _COUNT, "200"),
    "streams": Key(Integer(1, 100_000), "Requests to models under way at once."),
    "shrink": Key(
        Truth(),
        "Near a cap an answer is made shorter (`max_tokens`) where that makes it fit, instead of refused.",
        default=False,
    ),
}

TEAMS: Final = MapOf(
    Record(
        {"limits": Key(Record(MODEL_LIMITS, "a mapping of model limits"), "What its agents may use together.", required=True)},
        "a mapping with `limits`",
    ),
    r"[A-Za-z0-9_.-]{1,60}",
    "a team's name of letters, digits and `_.-`",
)
TEAM: Final = Text("the name of a configured team", r"[A-Za-z0-9_.-]{1,60}", 60)
