"""`ringfence claude-code plugin`: where it is written, and where not."""

import json
from pathlib import Path

import pytest
from tests.app.clients_kit import Said, ringfence, tree


def plugin(folder: Path, home: Path, *options: str) -> Said:
    return ringfence("claude-code", "plugin", str(folder), *options, home=home)


def test_it_is_labelled_as_what_it_is(tmp_path: Path) -> None:
    said = plugin(tmp_path / "my/plugin", tmp_path, "--json")
    assert said.json["enforces"] is False
    assert sorted(tree(tmp_path / "my/plugin")) == said.json["files"]
    manifest = json.loads((tmp_path / "my/plugin/.claude-plugin/plugin.json").read_text("utf-8"))
    assert "not enforcement" in manifest["description"]
    assert "--plugin-dir" in plugin(tmp_path / "another", tmp_path).out


@pytest.mark.parametrize("there", ["file", "link to a folder", "broken link", "no folder"])
def test_nothing_is_written_through_what_somebody_put_there(tmp_path: Path, there: str) -> None:
    folder, elsewhere = tmp_path / "plugin", tmp_path / "elsewhere"
    elsewhere.mkdir()
    match there:
        case "file":
            folder.mkdir()
            (folder / "mine").write_text("mine")
        case "link to a folder":
            folder.symlink_to(elsewhere)
        case "broken link":
            folder.symlink_to(tmp_path / "nowhere")
        case _:
            folder.write_text("mine")
    before = tree(tmp_path)
    said = plugin(folder, tmp_path)
    assert said.code in {1, 3}
    assert "name another folder" in said.err
    assert tree(tmp_path) == before
    assert not [*elsewhere.iterdir()]
