"""Limits as read, to the limits that the decision knows; and what is wrong with them beyond their shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ringfence.app.config.model_limits_of import model_limits_of
from ringfence.app.config.problems import Path, shown
from ringfence.app.config.scalars import as_seconds
from ringfence.core.ledger.charges import micro_units
from ringfence.core.model.limits import DistinctCap, Freeze, LeavingCap, Loops, Rate, RowCount, SumCap, ToolLimits, UseLimits
from ringfence.core.model.profile import Sensitivity

Fields = Mapping[str, Any]
Report = Callable[[Path, str], None]

_PERIODS = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_WINDOWS = {"run": 0, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 7 * 86_400_000}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DATED = re.compile(r"[0-9]{4}-")
_HORIZON = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC))
"""Between these a zone's changes are known; outside them its first or last offset holds."""


class LimitFaultError(Exception):
    """Why a freeze window cannot be read."""


def check_limits(values: Fields, report: Report) -> None:
    """Add every fault."""
    for path, fields in _all_limits(values):
        for index, window in enumerate(_listed(fields.get("freeze", []))):
            try:
                freeze_of(window)
            except LimitFaultError as fault:
                report((*path, "freeze", index), str(fault))
        for name in ("sums", "distinct"):
            seen: set[tuple[str, int, bool]] = set()
            for index, part in enumerate(fields.get(name, [])):
                if part is None or "of" not in part:
                    continue
                span, everybody = _window(part.get("per", "run")), part.get("everybody", False)
                if everybody and not span:
                    report((*path, name, index, "everybody"), "needs a span: `per: run` is of one run")
                if (part["of"], span, everybody) in seen:
                    report((*path, name, index), f"`{part['of']}` is capped for the same span already")
                seen.add((part["of"], span, everybody))
        _check_leaving((*path, "leaving"), fields.get("leaving", []), report)


def _check_leaving(path: Path, caps: list[Any], report: Report) -> None:
    spans: set[int] = set()
    for index, part in enumerate(caps):
        if part is None:
            continue
        if not {"bytes", "records"} & part.keys():
            report((*path, index), "needs `bytes`, `records` or both")
        if (span := _window(part.get("per", "run"))) in spans:
            report((*path, index), "what leaves is capped for the same span already")
        spans.add(span)


def use_limits_of(fields: Fields) -> UseLimits:
    return UseLimits(
        rate=rate_of(fields.get("rate")),
        concurrent=fields.get("concurrent"),
        freezes=freezes_of(fields),
        leaving=leaving_of(fields),
        model=model_limits_of(fields),
    )


def leaving_of(fields: Fields) -> tuple[LeavingCap, ...]:
    return tuple(
        LeavingCap(
            bytes=part.get("bytes"),
            records=part.get("records"),
            window_ms=_window(part.get("per", "run")),
            since=Sensitivity(part.get("from", "confidential")),
        )
        for part in fields.get("leaving", [])
    )


def tool_limits_of(fields: Fields) -> ToolLimits:
    rows: Fields = fields.get("rows", {})
    return ToolLimits(
        rate=rate_of(fields.get("rate")),
        concurrent=fields.get("concurrent"),
        freezes=freezes_of(fields),
        sums=tuple(
            SumCap(
                pointer=part["of"],
                cap=_micro(part["cap"]),
                window_ms=_window(part.get("per", "run")),
                everybody=part.get("everybody", False),
                absent=_micro(part["absent"]) if "absent" in part else None,
            )
            for part in fields.get("sums", [])
        ),
        distinct=tuple(
            DistinctCap(
                pointer=part["of"],
                most=part["most"],
                window_ms=_window(part.get("per", "run")),
                everybody=part.get("everybody", False),
            )
            for part in fields.get("distinct", [])
        ),
        rows=RowCount(rows.get("at", ""), rows.get("most", 0)),
        polling=fields.get("polling", False),
        leaving=leaving_of(fields),
    )


def rate_of(text: str | None) -> Rate | None:
    """`10/min burst 5`. Without a burst all of them may come at once."""
    if text is None:
        return None
    pace, _, burst = text.partition(" burst ")
    count, _, period = pace.partition("/")
    return Rate(int(count), _PERIODS[period], int(burst or count))


def loops_of(fields: Fields) -> Loops | None:
    """`loops:` of an agent or of the gateway. None: switched off, or not said."""
    found: bool | Fields = fields.get("loops", False)
    if found is False:
        return None
    if found is True:
        return Loops()
    return Loops(found.get("repeats", 10), found.get("spacing", 10) * 1000)


def freezes_of(fields: Fields) -> tuple[Freeze, ...]:
    return tuple(freeze_of(window) for window in _listed(fields.get("freeze", [])))


def freeze_of(window: str | Fields) -> Freeze:
    """One freeze window. Raises: LimitFaultError."""
    if isinstance(window, str):
        parts = window.split(" ")
        window = {"window": " ".join(parts[:5]), **({"zone": parts[5]} if len(parts) > 5 else {})}
    start, end = str(window["window"]).split(" - ")
    zone = _zone(window.get("zone", "UTC"))
    text = f"{window['window']} {window.get('zone', 'UTC')}"
    more: dict[str, Any] = {"text": text, "asks": window.get("action", "deny") == "ask", "reads": window.get("reads", False)}
    if _DATED.match(start):
        dated = (_moment(start, zone), _moment(end, zone))
        if dated[0] >= dated[1]:
            raise LimitFaultError("the window ends before it begins")
        return Freeze(dated=dated, **more)
    weekly = (_minute(start), _minute(end))
    if weekly[0] == weekly[1]:
        raise LimitFaultError("the window ends when it begins")
    return Freeze(weekly=weekly, offsets=_offsets(zone), **more)


def _listed(found: Any) -> Iterator[Any]:
    return (window for window in found if window is not None and (isinstance(window, str) or "window" in window))


def _all_limits(values: Fields) -> Iterator[tuple[Path, Fields]]:
    yield ("limits",), values.get("limits", {})
    for section in ("servers", "tools", "derived", "agents"):
        for name, fields in values.get(section, {}).items():
            if "limits" in fields:
                yield (section, name, "limits"), fields["limits"]


def _window(text: str) -> int:
    return _WINDOWS[text] if text in _WINDOWS else (as_seconds(text) or 0) * 1000


def _micro(text: str) -> int:
    amount = micro_units(text)
    assert amount is not None  # INVARIANT: the shape `Decimal` lets nothing else through
    return amount


def _minute(text: str) -> int:
    day, clock = text.split(" ")
    hour, minute = clock.split(":")
    return (_DAYS.index(day) * 24 + int(hour)) * 60 + int(minute)


def _zone(name: str) -> tzinfo:
    if name[0] in "+-":
        hours, minutes = name[1:].split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if name[0] == "-" else offset)
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        why = (
            f"this machine knows no time zone `{shown(name)}`: install its time zone data, or write an offset such as `+01:00`"
        )
        raise LimitFaultError(why) from error


def _moment(text: str, zone: tzinfo) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone).timestamp() * 1000)
    except ValueError as error:
        raise LimitFaultError(f"`{text}` is no date") from error


@cache
def _offsets(zone: tzinfo) -> tuple[tuple[int, int], ...]:
    """Every change of a zone's offset, found by looking at each day and halving the one in which it changes."""
    at, end = _HORIZON
    found = [(0, _offset(zone, at))]
    while at < end:
        later = at + timedelta(days=1)
        if (offset := _offset(zone, later)) != found[-1][1]:
            before, after = at, later
            while after - before > timedelta(minutes=1):
                middle = before + (after - before) / 2
                before, after = (middle, after) if _offset(zone, middle) == found[-1][1] else (before, middle)
            found.append((int(after.timestamp()) // 60 * 60_000, offset))
        at = later
    return tuple(found)


def _offset(zone: tzinfo, at: datetime) -> int:
    return int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds() * 1000)
