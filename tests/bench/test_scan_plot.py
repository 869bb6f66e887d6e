"""What the drawing of the scan's cost says."""

import math
import xml.etree.ElementTree as ElementTree

import pytest
from bench.log_plot import Curve, drawn
from bench.scan_inputs import CLEAN, HOSTILE
from bench.scanning import Point, curve, scanner, steepness

from ringfence.core.strict_json.canonical import canonical_bytes


def points(power: float) -> list[Point]:
    return [Point(size, (size / 1000) ** power, False) for size in (1 << 16, 1 << 18, 1 << 20, 1 << 22)]


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_the_steepness_is_the_power_that_cost_grows_with(power: float) -> None:
    assert steepness(points(power)) == pytest.approx(power)


def test_what_was_withheld_half_way_says_nothing_about_steepness() -> None:
    assert math.isnan(steepness([Point(one.size, one.ms, True) for one in points(1)]))


def test_every_curve_is_drawn_and_named() -> None:
    picture = ElementTree.fromstring(
        drawn([Curve("a < b", [(1024, 0.1), (2048, 0.2)], False), Curve("c", [(1024, 9e9)], True)])
    )
    names = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"a < b", "c"} <= names


def test_a_curve_ends_where_the_wire_refuses_the_answer() -> None:
    found = curve(scanner(), lambda size: {"content": [], "structuredContent": {"r": [1] * size}}, [1024, 1_000_000])
    assert len(found) == 1


@pytest.mark.parametrize("name", [*CLEAN, *HOSTILE])
def test_an_input_has_about_the_size_that_was_asked_for(name: str) -> None:
    made = {**CLEAN, **HOSTILE}[name]
    assert 0.5 < len(canonical_bytes(made(100_000))) / 100_000 < 2.5
