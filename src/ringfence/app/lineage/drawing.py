"""The drawing of a timeline: sources on the left, what the run held in the middle, effects on the right. Pure geometry.

Time runs downwards. Only what the story is about is drawn: what raised the run's label or reached a later call, what would have
changed or sent something, and what people did. Everything else is in the list below the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfence.app.lineage.wording import happened, notes, state_of

WIDTH: Final = 960
MOST_ROWS: Final = 60
_CARD, _GAP, _LINE, _PAD = 330, 18, 17, 12
_LEFT, _RIGHT, _SPINE = 10, WIDTH - 10 - _CARD, WIDTH // 2
_PERSON = 250
_TITLE, _TEXT = 7.9, 7.0
"""What a letter of a card's title, and of its other lines, takes at most where letters are not all wide."""
_MOST_NOTES = 5
TRUSTED: Final = "trusted"
"""The card of what needs no read: words, configuration, what the gateway fills in."""
_SPOKEN = frozenset({"words", "configuration", "fixed"})


@dataclass(frozen=True, slots=True)
class Card:
    """One box. `lines` are its texts from top to bottom, the first one its title."""

    entry: str
    side: str
    """`source`, `effect` or `person`."""
    look: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]

    @property
    def middle(self) -> int:
        return self.y + self.height // 2

    def baselines(self) -> list[tuple[int, str]]:
        return [(self.y + _PAD + 12 + place * _LINE, line) for place, line in enumerate(self.lines)]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the spine in one state."""

    top: int
    bottom: int
    state: str


@dataclass(frozen=True, slots=True)
class Path:
    """From a source to an effect."""

    line: str
    look: str
    """`trusted`, `untrusted`; with ` stopped` where the effect did not happen."""
    about: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that is drawn, in a picture of `WIDTH` by `height`."""

    height: int
    cards: tuple[Card, ...]
    spine: tuple[Stretch, ...]
    paths: tuple[Path, ...]
    undrawn: int


def draw(document: dict[str, Any]) -> Drawing:
    """The picture of a timeline's document."""
    sources = {edge["source"] for edge in document["edges"]}
    told = [event for event in document["events"] if _side(event, sources)]
    shown = told if len(told) <= MOST_ROWS else _weightiest(told, sources)
    cards: dict[str, Card] = {}
    spine: list[Stretch] = []
    y = 10
    if any(argument["from"] in _SPOKEN for event in shown for argument in event["arguments"]):
        cards[TRUSTED] = _words(document, y)
        y += cards[TRUSTED].height + _GAP
    top, state = 0, state_of({"after": document["inherited"]})
    for event in shown:
        card = _card(event, _side(event, sources), y)
        cards[event["entry"]] = card
        after = state_of(event)
        if after != state:
            spine.append(Stretch(top, card.middle, state))
            top, state = card.middle, after
        y += card.height + _GAP
    spine.append(Stretch(top, y, state))
    return Drawing(y, tuple(cards.values()), tuple(spine), tuple(_paths(document, shown, cards)), len(told) - len(shown))


def _side(event: dict[str, Any], sources: set[str]) -> str:
    """Where an event stands; empty: it is not drawn."""
    if event["kind"] == "effect":
        return "effect"
    if event["kind"] == "handoff":
        return "source" if event["takes_from"] else "effect"
    if event["kind"] in ("person", "label", "stop"):
        return "person"
    if event["kind"] == "seen":
        return "source" if event["raises"] else ""
    if event["kind"] in ("read", "model"):
        return (
            "source" if event["raises"] or event["findings"] or event["entry"] in sources or event["level"] != "allow" else ""
        )
    return ""


def _weightiest(told: list[dict[str, Any]], sources: set[str]) -> list[dict[str, Any]]:
    """As many as can be drawn, still in their order: what raised the label, what held or reached something, then the rest."""

    def weight(event: dict[str, Any]) -> int:
        if event["raises"]:
            return 0
        if event["told"] or event["kind"] in ("label", "stop"):
            return 1
        return 2 if event["entry"] in sources or event["level"] != "allow" else 3

    kept = sorted(range(len(told)), key=lambda place: (weight(told[place]), place))[:MOST_ROWS]
    return [told[place] for place in sorted(kept)]


def _card(event: dict[str, Any], side: str, y: int) -> Card:
    said, _ = happened(event)
    more = notes(event)
    if event["kind"] in ("read", "effect", "handoff", "model"):
        done = said.removeprefix(event["what"]).removeprefix(": ")
        titles = [f"{event['entry']} · {event['what']}", f"{event['time']} · {done}"]
    else:
        titles = [said, f"{event['entry']} · {event['time']}"]
    lines = [*titles, *more[:_MOST_NOTES]]
    if len(more) > _MOST_NOTES:
        lines.append(f"and {len(more) - _MOST_NOTES} more")
    width = _PERSON if side == "person" else _CARD
    x = {"source": _LEFT, "effect": _RIGHT, "person": _SPINE - _PERSON // 2}[side]
    return Card(event["entry"], side, _look(event), x, y, width, 2 * _PAD + len(lines) * _LINE, _fitting(lines, width))


def _fitting(lines: Sequence[str], width: int) -> tuple[str, ...]:
    """Each line cut to what stands in a card of this width."""
    cut: list[str] = []
    for place, line in enumerate(lines):
        room = int((width - 2 * _PAD) / (_TITLE if place == 0 else _TEXT))
        cut.append(line if len(line) <= room else f"{line[: room - 1]}…")
    return tuple(cut)


def _look(event: dict[str, Any]) -> str:
    if event["kind"] == "effect" or (event["kind"] == "handoff" and not event["takes_from"]):
        if event["level"] in ("ask", "deny", "halt"):
            return "stopped"
        return "grave" if event["told"] else "done"
    if event["kind"] in ("stop", "person"):
        return "stopped" if event["level"] in ("denied", "kill", "pause", "disable") else "agreed"
    if event["kind"] == "label":
        return "agreed"
    return "taints" if "integrity" in event["raises"] else "raises" if event["raises"] else "plain"


def _words(document: dict[str, Any], y: int) -> Card:
    by = document["task_by"]
    task = document["task"] if by else ""
    lines = ("What may decide", f"“{task}”", f"said by {by}") if task else ("What may decide", "words, configuration")
    return Card(TRUSTED, "source", "words", _LEFT, y, _CARD, 2 * _PAD + len(lines) * _LINE, _fitting(lines, _CARD))


def _paths(document: dict[str, Any], shown: Iterable[dict[str, Any]], cards: dict[str, Card]) -> Iterable[Path]:
    for event in shown:
        effect = cards[event["entry"]]
        taken = next((edge["source"] for edge in document["edges"] if edge["effect"] == event["entry"]), "")
        if event["takes_from"] and taken in cards:
            yield Path(_back(cards[taken], effect), "untrusted", f"{taken} to {event['entry']}")
        if effect.side != "effect":
            continue
        stopped = "" if event["level"] == "allow" else " stopped"
        groups: dict[tuple[str, bool], list[str]] = {}
        for argument in event["arguments"]:
            source = TRUSTED if argument["from"] in _SPOKEN else argument["entry"]
            if source in cards and cards[source].y < effect.y:
                groups.setdefault((source, argument["trusted"]), []).append(argument["pointer"] or "/")
        for place, ((source, trusted), pointers) in enumerate(groups.items()):
            look = "trusted" if trusted else "untrusted"
            start = cards[source]
            end = effect.y + (place + 1) * effect.height // (len(groups) + 1)
            yield Path(_curve(start, effect, end), look + stopped, f"{source} to {event['entry']}: {', '.join(pointers)}")


def _back(source: Card, taken: Card) -> str:
    """From what a child handed over, on the right, to where its parent took it, on the left."""
    to = taken.x + taken.width + 7
    return f"M{source.x} {source.middle} C{_SPINE - 60} {source.middle} {_SPINE + 60} {taken.middle} {to} {taken.middle}"


def _curve(source: Card, effect: Card, end: int) -> str:
    """Out of the source's side, along the spine, into the effect's: an arrowhead's length before it."""
    x, y, to = source.x + source.width, source.middle, effect.x - 7
    if source.side == "effect":
        # Its answer went on: out to the spine and back.
        x = source.x
        bend = _SPINE - 30
        return f"M{x} {y} C{bend} {y} {bend} {end} {to} {end}"
    return f"M{x} {y} C{_SPINE + 60} {y} {_SPINE - 60} {end} {to} {end}"
