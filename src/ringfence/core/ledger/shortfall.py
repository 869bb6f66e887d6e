"""A meter that does not bear a charge, as a reason and in words."""

from __future__ import annotations

from typing import Final

from ringfence.core.ledger.moves import Shortfall
from ringfence.core.model.limits import MICRO
from ringfence.core.model.meter import Charge, MeterKind
from ringfence.core.model.verdict import ReasonCode

CAP_CODES: Final = {
    MeterKind.RATE: ReasonCode.RATE_LIMIT,
    MeterKind.OPEN: ReasonCode.CONCURRENCY,
    MeterKind.SUM: ReasonCode.SUM_CAP,
    MeterKind.ROWS: ReasonCode.ROWS_CAP,
    MeterKind.DISTINCT: ReasonCode.DISTINCT_CAP,
    MeterKind.LEAVING: ReasonCode.LEAVING_CAP,
    MeterKind.SPEND: ReasonCode.SPEND_CAP,
    MeterKind.TOKENS: ReasonCode.TOKEN_CAP,
    MeterKind.TOKENS_IN: ReasonCode.TOKEN_CAP,
    MeterKind.TOKENS_OUT: ReasonCode.TOKEN_CAP,
    MeterKind.MODEL_CALLS: ReasonCode.MODEL_CALL_CAP,
    MeterKind.STREAMS: ReasonCode.CONCURRENCY,
    MeterKind.ACTIONS: ReasonCode.STOP_CONDITION,
    MeterKind.FILES: ReasonCode.FILES_CAP,
    MeterKind.LINES: ReasonCode.LINES_CAP,
}
IN_MICRO: Final = frozenset({MeterKind.SUM, MeterKind.SPEND})
"""Counted in millionths of what people count in."""


def in_words(charge: Charge, short: Shortfall) -> str:
    """A shortfall for people."""
    match charge.kind:
        case MeterKind.RATE:
            return f"{charge.meter}: as many calls at once as {short.cap} were made already"
        case MeterKind.OPEN:
            return f"{charge.meter}: {short.used} of {short.cap} calls are under way"
        case MeterKind.STREAMS:
            return f"{charge.meter}: {short.used} of {short.cap} requests are under way"
        case MeterKind.SUM:
            return f"{charge.meter}: {as_amount(short.used)} of {as_amount(short.cap)} is used, {as_amount(charge.amount)} more"
        case MeterKind.SPEND:
            most = as_amount(charge.amount)
            return f"{charge.meter}: {as_amount(short.used)} of {as_amount(short.cap)} is spent or held, up to {most} more"
        case MeterKind.TOKENS | MeterKind.TOKENS_IN | MeterKind.TOKENS_OUT:
            return f"{charge.meter}: {short.used} of {short.cap} tokens are used or held, up to {charge.amount} more"
        case MeterKind.ROWS | MeterKind.DISTINCT | MeterKind.MODEL_CALLS | MeterKind.ACTIONS | MeterKind.FILES:
            return f"{charge.meter}: {short.used} of {short.cap} are used"
        case MeterKind.LINES:
            return f"{charge.meter}: {short.used} of {short.cap} lines are changed, {charge.amount} more"
        case MeterKind.LEAVING:
            return f"{charge.meter}: {short.used} of {short.cap} have left, {charge.amount} more"


def is_in_micro(meter: str) -> bool:
    """Whether a meter counts in millionths of what people count in. A meter's name, or a kind."""
    return meter.partition(":")[0] in IN_MICRO


def in_units(meter: str, value: int) -> str:
    """What a meter says, in the units that people count in."""
    return as_amount(value) if is_in_micro(meter) else str(value)


def as_amount(micro: int) -> str:
    """Millionths as a decimal number."""
    whole, rest = divmod(abs(micro), MICRO)
    fraction = f"{rest:06}".rstrip("0")
    return f"{'-' if micro < 0 else ''}{whole}{f'.{fraction}' if fraction else ''}"
