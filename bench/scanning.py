"""What it costs to scan an answer: `python -m bench.scanning` draws it over the size, `make bench` tells the two figures.

The way of a result: `Inspection` with the default rule, all rules on, personal data as well, and twenty secrets of the
gateway's own. CPU time of the process, the best of many: whatever else the machine does makes a time longer and never shorter.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.log_plot import Curve, drawn
from bench.scan_inputs import CLEAN, HOSTILE, OWN, Made
from ringfence.core.rules import PersonalRule, ScanRule
from ringfence.core.scan.personal import Personal
from ringfence.core.scan.personal_rules import PERSONAL_RULES
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import Scanner
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.engine.inspection import Inspection
from ringfence.engine.outcome import Returned, Withheld
from ringfence.errors import RequestError

SIZES: Final = tuple(1 << power for power in range(10, 25))
"""1 KiB to 16 MiB."""
RULE: Final = ScanRule(personal=PersonalRule(look_for=Personal(frozenset(rule.id for rule in PERSONAL_RULES))))
SVG: Final = Path(__file__).parents[1] / "docs/scan-scaling.svg"
_ENOUGH_S = 0.15
_STEEP_FROM = 64 << 10


@dataclass(frozen=True, slots=True)
class Point:
    """One answer, scanned."""

    size: int
    """Bytes of its JSON."""
    ms: float
    withheld: bool


def scanner() -> Scanner:
    redactor = Redactor()
    redactor.learn_lasting(OWN)
    scan = Scanner(redactor)
    scan.prepare()
    return scan


def best(scan: Scanner, answer: Mapping[str, Any], enough_s: float = _ENOUGH_S) -> tuple[float, bool]:
    """Milliseconds of CPU, and whether the answer was withheld."""
    shortest, spent, times = math.inf, 0.0, 0
    outcome: object = None
    while times < 3 or (spent < enough_s and times < 2000):
        inspection = Inspection(scan, RULE)
        before = time.process_time()
        outcome = inspection.outcome(Returned(answer, "e1"))
        took = time.process_time() - before
        shortest, spent, times = min(shortest, took), spent + took, times + 1
        if took > 1.0:
            break
    return shortest * 1000, isinstance(outcome, Withheld)


def curve(scan: Scanner, made: Made, sizes: Sequence[int]) -> list[Point]:
    """Until the size from which on the wire refuses such an answer."""
    points: list[Point] = []
    for size in sizes:
        encoded = canonical_bytes(made(size))
        try:
            answer = parse_strict(encoded)
        except RequestError:
            break
        ms, withheld = best(scan, answer)
        points.append(Point(len(encoded), ms, withheld))
    return points


def steepness(points: Sequence[Point]) -> float:
    """The slope in a plot of logarithms, by least squares over the larger sizes: 1 is linear, 2 would be quadratic."""
    # An answer that is withheld half-way is no measure of the whole.
    large = [(math.log(point.size), math.log(point.ms)) for point in points if point.size >= _STEEP_FROM and not point.withheld]
    if len(large) < 3:
        return math.nan
    x, y = (sum(values) / len(large) for values in zip(*large, strict=True))
    return sum((a - x) * (b - y) for a, b in large) / sum((a - x) ** 2 for a, _ in large)


def figures(scan: Scanner | None = None) -> dict[str, float]:
    """The two that are asked for, each of the dearest ordinary answer, and the dearest hostile one of a megabyte."""
    scan = scan or scanner()

    def dearest(inputs: Mapping[str, Made], size: int, enough_s: float) -> float:
        return round(max(best(scan, made(size), enough_s)[0] for made in inputs.values()), 3)

    return {
        "scan_ms_10kb": dearest(CLEAN, 10_000, 0.3),
        "scan_ms_1mb": dearest(CLEAN, 1_000_000, 0.3),
        "scan_ms_1mb_hostile": dearest(HOSTILE, 1_000_000, 0.1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.scanning", description="What scanning an answer costs, over its size.")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="bytes of the largest answer; default: 16 MiB")
    parser.add_argument("--write-docs", action="store_true", help="draw docs/scan-scaling.svg")
    given = parser.parse_args()
    scan, curves, steepest = scanner(), list[Curve](), 0.0
    sizes = [size for size in SIZES if size <= given.most]
    for is_hostile, inputs in ((False, CLEAN), (True, HOSTILE)):
        for name, made in inputs.items():
            points = curve(scan, made, sizes)
            slope = steepness(points)
            steepest = max(steepest, 0.0 if math.isnan(slope) else slope)
            last = points[-1]
            how = ", withheld" if last.withheld else ""
            print(f"{name:40} {last.size:>10,} bytes {last.ms:>9.2f} ms{how}, steepness {slope:.2f}", flush=True)
            curves.append(Curve(name, [(point.size, point.ms) for point in points], is_hostile))
    found = {**figures(scan), "scan_steepest": round(steepest, 2)}
    if given.write_docs:
        SVG.write_text(drawn(curves), "utf-8")
    print(f"RESULT {json.dumps(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
