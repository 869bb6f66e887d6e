"""Limits of requests to models as read, to those that the decision knows; and what is wrong with them beyond their shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ringfence.app.config.problems import Path, nearest, shown
from ringfence.app.config.scalars import as_seconds
from ringfence.core.ledger.charges import micro_units
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits

Fields = Mapping[str, Any]
Report = Callable[[Path, str], None]

_SPANS = {"run": 0, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 7 * 86_400_000}
KINDS: Final = {
    "spend": MeterKind.SPEND,
    "tokens": MeterKind.TOKENS,
    "tokens_in": MeterKind.TOKENS_IN,
    "tokens_out": MeterKind.TOKENS_OUT,
    "model_calls": MeterKind.MODEL_CALLS,
}


def check_model_limits(values: Fields, report: Report) -> None:
    """Add every fault."""
    for path, fields, is_team in _all(values):
        for name in KINDS:
            seen: set[int] = set()
            for index, part in enumerate(fields.get(name, [])):
                read = _read(part)
                if read is None:
                    continue
                if read[1] in seen:
                    report((*path, name, index), f"`{name}` is capped for the same span already")
                if is_team and not read[1]:
                    report((*path, name, index), "a team has no run of its own: say `per day` or another span")
                seen.add(read[1])
    teams: Fields = values.get("teams", {})
    for agent, fields in values.get("agents", {}).items():
        team = fields.get("team")
        if team is not None and team not in teams:
            report(("agents", agent, "team"), f"no team `{shown(team)}`{nearest(team, list(teams))}")


def model_limits_of(fields: Fields) -> ModelLimits:
    caps: list[ModelCap] = []
    for name, kind in KINDS.items():
        for part in fields.get(name, []):
            read = _read(part)
            assert read is not None  # INVARIANT: only what has no problems is made into rules
            text, window_ms = read
            amount = micro_units(text) if kind is MeterKind.SPEND else int(text)
            assert amount is not None  # INVARIANT: the shapes let nothing else through
            caps.append(ModelCap(kind, amount, window_ms))
    return ModelLimits(caps=tuple(caps), streams=fields.get("streams"), shrinks=fields.get("shrink"))


def teams_of(values: Fields) -> dict[str, ModelLimits]:
    return {name: model_limits_of(fields.get("limits", {})) for name, fields in values.get("teams", {}).items()}


def _read(part: Any) -> tuple[str, int] | None:
    """The amount as it was written, and the span; None where the part was not read."""
    if isinstance(part, str):
        amount, _, span = part.partition(" per ")
        return amount, _window(span)
    if not isinstance(part, Mapping) or "cap" not in part:
        return None
    return str(part["cap"]), _window(part.get("per", "run"))


def _window(text: str) -> int:
    return _SPANS[text] if text in _SPANS else (as_seconds(text) or 0) * 1000


def _all(values: Fields) -> Iterator[tuple[Path, Fields, bool]]:
    yield ("limits",), values.get("limits", {}), False
    for section in ("agents", "teams"):
        for name, fields in values.get(section, {}).items():
            if "limits" in fields:
                yield (section, name, "limits"), fields["limits"], section == "teams"
