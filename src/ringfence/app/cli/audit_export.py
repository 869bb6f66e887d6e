"""`ringfence audit export` and `prove`: the log in files that need no gateway, each whole or not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.audit_csv import csv_lines
from ringfence.app.cli.audit_files import LAST
from ringfence.app.cli.audit_form import Form
from ringfence.app.cli.audit_tiles import TileFolder
from ringfence.app.cli.options import REFUSED, UNAVAILABLE
from ringfence.app.cli.progress import counted
from ringfence.core.audit.checkpoint import parse_checkpoint
from ringfence.core.audit.note import decode_base64, parse_note
from ringfence.core.audit.proof_file import ProofFile, render_proof
from ringfence.errors import Error

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk


def export_to(desk: Desk, form: Form, output: Path | None, *, resume: bool) -> None:
    """Sign the log, then write it as it is then."""
    if output is None and (form is Form.TILES or resume):
        desk.usage("name where to write with --output", "`ringfence audit export --format tiles --output log-tiles`")
    head = desk.ask("POST", "/audit/checkpoint", {})
    try:
        if form is Form.TILES:
            assert output is not None
            count = _export_tiles(desk, output, head)
        elif output is None:
            count = _to_stdout(desk, form, head["size"])
        else:
            count = _export_file(desk, form, output, head["size"], resume=resume)
    except FileExistsError as error:
        desk.fail(f"{error.filename or output} is there already", "name another with --output", REFUSED)
    except OSError as error:
        desk.fail(f"{output} cannot be written: {error.strerror}", "name another with --output", UNAVAILABLE)
    except Error as error:
        desk.fail(str(error), error.remedy, REFUSED)
    if output is None:
        return
    if desk.as_json:
        desk.print_json({"written": str(output), "entries": count, "format": form.value})
    else:
        typer.echo(f"wrote {count} entries and the signed head to {output}")


def prove_entry(desk: Desk, entry: str, output: Path | None) -> None:
    """One entry with its proof under a head that is signed now."""
    desk.ask("POST", "/audit/checkpoint", {})
    shown = desk.ask("GET", f"/audit/{quote(entry, safe='')}")
    proof = shown["proof"]
    if proof is None:
        desk.fail(f"no signed head covers {entry} yet", "try again in a moment", UNAVAILABLE)
    path = tuple(decode_base64(node) for node in proof["path"])
    text = render_proof(ProofFile(shown["leaf"].encode(), proof["index"], path, proof["checkpoint"]))
    if output is None:
        sys.stdout.write(text)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        desk.fail(f"{output} is there already", "name another with --output", REFUSED)
    except OSError as error:
        desk.fail(f"{output} cannot be written: {error.strerror}", "name another with --output", UNAVAILABLE)
    if desk.as_json:
        desk.print_json({"written": str(output), "entry": entry, "tree_size": proof["tree_size"]})
    else:
        typer.echo(f"wrote the proof of {entry} to {output}")


def _to_stdout(desk: Desk, form: Form, total: int) -> int:
    lines = desk.lines("/audit/export")
    for line in csv_lines(lines) if form is Form.CSV else lines:
        sys.stdout.buffer.write(line + b"\n")
    return total


def _export_file(desk: Desk, form: Form, output: Path, total: int, *, resume: bool) -> int:
    """Written beside its name and given it at the end; never over another file."""
    if output.exists():
        raise FileExistsError(17, "exists", str(output))
    draft = output.with_name(output.name + ".part")
    done = _whole_lines(draft) if resume and draft.exists() and form is Form.JSONL else 0
    count = done
    with draft.open("r+b" if done else "wb") as file:
        file.seek(0, os.SEEK_END)
        lines: Iterator[bytes] = counted(desk.lines(f"/audit/export?start={done}"), total, "written", quiet=desk.as_json)
        for line in csv_lines(lines) if form is Form.CSV else lines:
            file.write(line + b"\n")
            count += not line.startswith(LAST)
        file.flush()
        os.fsync(file.fileno())
    os.link(draft, output)
    draft.unlink()
    return count - (form is Form.CSV)


def _whole_lines(draft: Path) -> int:
    """How many entries a broken-off export has; what follows the last whole one is cut off."""
    count = end = 0
    with draft.open("rb") as file:
        for line in file:
            if not line.endswith(b"}\n") or line.startswith(LAST):
                break
            count, end = count + 1, end + len(line)
    os.truncate(draft, end)
    return count


def _export_tiles(desk: Desk, output: Path, head: dict[str, Any]) -> int:
    folder = TileFolder(output)
    checkpoint = parse_checkpoint(parse_note(head["note"]).text)
    start = folder.begin()
    lines = (line for line in desk.lines(f"/audit/export?start={start}") if not line.startswith(LAST))
    folder.write(counted(lines, checkpoint.size - start, "written", quiet=desk.as_json), checkpoint)
    newest = desk.ask("GET", "/audit/checkpoint")
    # Witnesses may have cosigned it meanwhile.
    folder.seal(newest["note"] if newest["size"] == checkpoint.size else head["note"])
    return checkpoint.size
