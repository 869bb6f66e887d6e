"""`ringfence audit export`, `key`, `checkpoint`, `prove` and `verify`: files that need no gateway."""

import csv
import io
import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.app.cli_kit import Office, Said, office, ringfence

from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Unit


@pytest.fixture
def at() -> Generator[Office]:
    with office() as opened:
        run = opened.run(opened.world.open_run())
        opened.run(opened.world.call(run, "orders__note", {"order": "A1", "text": "before"}))
        yield opened


def elsewhere(folder: Path, *arguments: str) -> Said:
    """A command on a machine where no gateway is."""
    return ringfence("audit", *arguments, "--state", str(folder / "no-gateway"), home=folder)


def grow(at: Office, entries: int, summary: str = "entry") -> None:
    for start in range(0, entries, 200):
        note = [
            Entry(kind=EntryKind.GATEWAY, at=at.world.clock.now(), summary=f"{summary} {n}", by="gateway", body={"n": n})
            for n in range(start, min(entries, start + 200))
        ]
        at.run(at.world.store.record(Unit(tuple(note))))


@pytest.mark.requirement("I12")
def test_an_export_the_key_and_an_older_head_are_enough_on_another_machine(at: Office, tmp_path: Path) -> None:
    key, head, export = at("audit", "key").out.strip(), tmp_path / "head", tmp_path / "log.jsonl"
    head.write_text(at("audit", "checkpoint").out, "utf-8")
    grow(at, 20)
    assert at("audit", "export", "-o", str(export)).code == 0
    said = elsewhere(tmp_path, "verify", "--export", str(export), "--key", key, "--checkpoint", str(head))
    assert said.code == 0, said.err
    assert "intact" in said.out
    assert "kept elsewhere" in said.out
    told = elsewhere(tmp_path, "verify", "--export", str(export), "--key", key, "--json").json
    assert told["intact"] is True
    assert told["key_from_the_log_itself"] is False
    assert told["entries"] == told["signed"]


@pytest.mark.requirement("I12")
def test_one_entry_is_proved_alone_and_a_changed_proof_is_not(at: Office, tmp_path: Path) -> None:
    grow(at, 300)
    key, proof = at("audit", "key").out.strip(), tmp_path / "e3.tlog-proof"
    assert at("audit", "prove", "e3", "-o", str(proof)).code == 0
    assert at("audit", "prove", "e3", "-o", str(proof)).code == 1  # never overwritten
    assert at("audit", "prove", "e9999").code == 1
    said = elsewhere(tmp_path, "verify", "--proof", str(proof), "--key", key)
    assert said.code == 0, said.err
    assert "proved" in said.out
    assert elsewhere(tmp_path, "verify", "--proof", str(proof)).code == 2  # without a key it says nothing
    proof.write_text(proof.read_text("utf-8").replace("index 3", "index 4"), "utf-8")
    said = elsewhere(tmp_path, "verify", "--proof", str(proof), "--key", key, "--json")
    assert said.code == 1
    assert {finding["tamper"] for finding in said.json["findings"]} == {"proof"}


@pytest.mark.requirement("I12")
def test_tiles_are_verified_and_grow_with_the_next_export(at: Office, tmp_path: Path) -> None:
    key, folder = at("audit", "key").out.strip(), tmp_path / "tiles"
    grow(at, 600)
    assert at("audit", "export", "--format", "tiles", "-o", str(folder)).code == 0
    first = (folder / "tile" / "entries" / "000").stat().st_ino
    grow(at, 300)
    assert at("audit", "export", "--format", "tiles", "-o", str(folder)).code == 0
    assert (folder / "tile" / "entries" / "000").stat().st_ino == first  # full tiles are not written again
    assert (folder / "tile" / "0" / "002").stat().st_size == 8192
    assert elsewhere(tmp_path, "verify", "--export", str(folder), "--key", key).code == 0
    assert elsewhere(tmp_path, "verify", "--export", str(folder)).code == 1  # tiles carry no key
    bundle = folder / "tile" / "entries" / "001"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 300", b"entry 301"))
    said = elsewhere(tmp_path, "verify", "--export", str(folder), "--key", key, "--json")
    assert said.code == 1
    assert [finding["tamper"] for finding in said.json["findings"]] == ["edited"]


def test_tiles_of_another_log_are_not_continued(at: Office, tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    grow(at, 600)
    at("audit", "export", "--format", "tiles", "-o", str(folder))
    spoiled = folder / "tile" / "0" / "000"
    spoiled.write_bytes(bytes(8192))
    said = at("audit", "export", "--format", "tiles", "-o", str(folder))
    assert said.code == 1
    assert "does not give the signed root" in said.err


def test_an_export_that_broke_off_is_resumed(at: Office, tmp_path: Path) -> None:
    grow(at, 50)
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    at("audit", "export", "-o", str(whole))
    lines = whole.read_bytes().splitlines(keepends=True)
    for broken in (b"".join(lines[:20]), b"".join(lines[:20]) + lines[20][:30], b"".join(lines[:20]) + lines[20][:-1], b""):
        (tmp_path / "resumed.part").write_bytes(broken)
        said = at("audit", "export", "-o", str(resumed), "--resume", "--json")
        assert said.json["entries"] == len(lines) - 1
        assert resumed.read_bytes() == whole.read_bytes()
        resumed.unlink()


def test_csv_never_begins_a_cell_with_a_formula(at: Office, tmp_path: Path) -> None:
    for summary in ("=1+1", "+1", "-1", "@x", "\t=1", " =1", "\uff1d1", 'a "quoted", line\nbreak'):
        grow(at, 1, summary)
    file = tmp_path / "log.csv"
    said = at("audit", "export", "--format", "csv", "-o", str(file), "--json")
    rows = list(csv.reader(io.StringIO(file.read_text("utf-8"), newline="")))
    assert rows[0][:3] == ["entry", "time", "kind"]
    assert len(rows) - 1 == said.json["entries"]
    summaries = [row[9] for row in rows[1:]]
    assert "'=1+1 0" in summaries
    assert 'a "quoted", line\nbreak 0' in summaries
    for row in rows:
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")), cell


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("verify", "--export", "nothing-here"), 2),
        (("verify", "--proof", "nothing-here", "--key", "x"), 2),
        (("verify", "--quorum", "1"), 2),
        (("verify", "--witness", "no key", "--export", "{file}"), 1),
        (("verify", "--key", "no key", "--export", "{file}"), 1),
        (("verify", "--export", "{file}"), 1),
        (("verify", "--proof", "{file}", "--export", "{file}", "--key", "x"), 2),
        (("verify", "--proof", "{file}", "--key", "x"), 1),
        (("export", "--format", "tiles"), 2),
        (("export", "-o", "x"), 3),
        (("prove", "e1"), 3),
        (("verify",), 3),
    ],
)
def test_what_cannot_be_done_ends_with_its_code(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    (tmp_path / "file").write_bytes(b"\xff not an export")
    said = elsewhere(tmp_path, *(part.replace("{file}", str(tmp_path / "file")) for part in arguments))
    assert said.code == code, said.err


@pytest.mark.parametrize(("option", "line"), [("--key", "ringfence audit key"), ("--witness", "ringfence witness key")])
def test_a_key_that_is_none_is_named_with_what_was_expected(at: Office, tmp_path: Path, option: str, line: str) -> None:
    file, wrong = tmp_path / "log.jsonl", tmp_path / "wrong"
    at("audit", "export", "-o", str(file))
    for text in ("no key", "name+1+2"):
        wrong.write_text(text, "utf-8")
        said = elsewhere(tmp_path, "verify", "--export", str(file), option, str(wrong))
        assert said.code == 1
        assert f"{option} {wrong}: expected the line of `{line}`" in said.err


def test_an_export_says_what_it_is_and_is_never_written_over(at: Office, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    at("audit", "export", "-o", str(file))
    last = json.loads(file.read_bytes().splitlines()[-1])
    assert last["key"].startswith(last["name"] + "+")
    assert at("audit", "export", "-o", str(file)).code == 1
    assert not (tmp_path / "log.jsonl.part").exists()
    assert at("audit", "export", "--format", "csv").out.startswith('"entry","time"')
    assert os.listdir(tmp_path) == ["log.jsonl"]
