"""Curves over logarithmic axes as an SVG that can be read on light and on dark pages."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH, HEIGHT = 1000, 640
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 50, 690, 590
_MOST_MS, _LEAST_MS = 1e4, 1e-2
_MOST_BYTES, _LEAST_BYTES = float(1 << 25), float(1 << 10)
_HUES: Final = (0, 25, 45, 80, 120, 160, 185, 205, 225, 260, 285, 310, 335)
_STYLE = """
  text{font:12px system-ui,sans-serif;fill:#333}
  .grid{stroke:#8884;stroke-width:1}
  .line{fill:none;stroke-width:1.5}
  .clean{stroke-width:3}
  .straight{stroke:#888;stroke-dasharray:5 5;fill:none}
  .title{font-size:15px;font-weight:600}
  @media (prefers-color-scheme:dark){text{fill:#ddd}.straight{stroke:#aaa}}
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """Milliseconds over bytes."""

    name: str
    points: Sequence[tuple[int, float]]
    is_hostile: bool


def drawn(curves: Sequence[Curve]) -> str:
    """The whole picture. Ordinary answers are thick, hostile ones thin and dashed differently by their colour."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="Milliseconds of CPU to scan an answer, over its size">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="24">CPU to scan an answer, over its size (both axes logarithmic)</text>',
        *_axes(),
        *_goal(10_000, 0.2, "10 kB: 0.2 ms"),
        *_goal(1_000_000, 30, "1 MB: 30 ms"),
    ]
    ordered = sorted(curves, key=lambda one: (one.is_hostile, -one.points[-1][1] if one.points else 0))
    for place, curve in enumerate(ordered):
        colour = f"hsl({_HUES[place % len(_HUES)]} 75% 50%)"
        kind, dash = ("line", ' stroke-dasharray="7 3"') if curve.is_hostile and place % 2 else ("line", "")
        kind += "" if curve.is_hostile else " clean"
        path = " ".join(f"{_x(size):.1f},{_y(ms):.1f}" for size, ms in curve.points)
        parts.append(f'<polyline class="{kind}" stroke="{colour}"{dash} points="{path}"/>')
        y = _TOP + 6 + place * 20
        parts.append(f'<line class="{kind}" stroke="{colour}"{dash} x1="705" y1="{y}" x2="735" y2="{y}"/>')
        parts.append(f'<text x="742" y="{y + 4}">{escape(curve.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _axes() -> Iterable[str]:
    for power in range(10, 26, 2):
        x, size = _x(1 << power), 1 << power
        label = f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"
        yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_BOTTOM}"/>'
        yield f'<text x="{x:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{label}</text>'
    for power in range(-2, 5):
        y, ms = _y(10.0**power), 10.0**power
        yield f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{ms:g} ms</text>'
    for ms in (0.01, 0.1):  # at 1 KiB
        line = " ".join(f"{_x(size):.1f},{_y(ms * size / 1024):.1f}" for size in (1 << 10, 1 << 24))
        yield f'<polyline class="straight" points="{line}"/>'
    x, y = _x(1 << 24), _y(0.1 * (1 << 14))
    yield f'<text x="{x - 4:.1f}" y="{y - 6:.1f}" text-anchor="end">dotted: linear</text>'


def _goal(size: int, ms: float, label: str) -> Iterable[str]:
    x, y = _x(size), _y(ms)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="#c33" stroke-width="2"/>'
    yield f'<text x="{x - 9:.1f}" y="{y - 7:.1f}" text-anchor="end">at most {label}</text>'


def _x(size: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * math.log(size / _LEAST_BYTES) / math.log(_MOST_BYTES / _LEAST_BYTES)


def _y(ms: float) -> float:
    within = min(max(ms, _LEAST_MS), _MOST_MS)
    return _BOTTOM - (_BOTTOM - _TOP) * math.log(within / _LEAST_MS) / math.log(_MOST_MS / _LEAST_MS)
