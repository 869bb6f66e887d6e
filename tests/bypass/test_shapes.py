"""The shapes are what their README says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.bypass.ground import FILES, MARK, lay_out
from tests.bypass.shapes import NARROW, SHAPES, shapes


def test_there_are_a_hundred_and_eleven_shapes_in_their_classes() -> None:
    read = shapes(SHAPES, "/p")
    assert len(read) == 111
    assert len({each.text for each in read}) == 111
    assert Counter(each.client for each in read) == {"stopped": 64, "took effect": 47}
    assert len({each.group for each in read}) == 19


def test_there_are_thirty_five_commands_that_a_narrow_list_seems_to_name() -> None:
    assert len(shapes(NARROW, "/p")) == 35


def test_signs_are_read_as_what_they_stand_for() -> None:
    texts = [each.arguments.get("command", "") for each in shapes(SHAPES, "/p")]
    assert "true\nrm -rf keep" in texts
    assert "rm\t-rf\tkeep" in texts
    assert "true && " * 60 + "rm -rf keep" in texts
    assert f"echo {'a' * 11000} >/dev/null; rm -rf keep" in texts
    assert not [text for text in texts for sign in "␊␉«»" if sign in text]


def test_a_call_of_a_file_tool_has_its_arguments() -> None:
    calls = [each for each in shapes(SHAPES, "/p") if each.tool != "Bash"]
    assert [(each.tool, dict(each.arguments)) for each in calls[-1:]] == [
        ("Write", {"file_path": "/p/pre_plink/f", "content": "HACK"})
    ]
    assert len(calls) == 5


def test_the_folder_has_what_the_shapes_are_after(tmp_path: Path) -> None:
    lay_out(tmp_path)
    assert (tmp_path / "pre_link").read_text(encoding="utf-8") == FILES[".env"]
    assert (tmp_path / "pre_plink/f").read_text(encoding="utf-8") == FILES["protected/f"]
    assert [path for path, text in FILES.items() if MARK in text] == [".env", "sub/.env", "secrets/k.txt"]
