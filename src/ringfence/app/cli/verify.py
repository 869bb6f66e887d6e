"""Verifying an export, from a file or as it comes from the gateway, without holding it in memory."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ringfence.app.cli.options import REFUSED
from ringfence.core.audit.verify import LogReport, verify_log
from ringfence.errors import Error

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk

LAST = b'{"checkpoint":'
_LONGEST_LINE = 1 << 20


@dataclass(slots=True)
class Split:
    """The leaves of an export; after the last of them, what its last line said."""

    lines: Iterable[bytes]
    last: dict[str, Any] = field(default_factory=dict[str, Any])

    def leaves(self) -> Iterator[bytes]:
        for line in self.lines:
            if line.startswith(LAST):
                self.last = json.loads(line)
                return
            yield line


def verify_export(desk: Desk, file: Path | None, checkpoint: Path | None, key: Path | None) -> None:
    """Report and end with 0 where the log is intact, 1 where it is not."""
    try:
        last = last_line(desk, file)
        note = checkpoint.read_text("utf-8") if checkpoint is not None else last["checkpoint"]
        public_key = base64.b64decode(key.read_text("utf-8").strip() if key is not None else last["public_key"], validate=True)
        with_name = str(last["name"])
        report = verify_log(Split(lines_of(desk, file)).leaves(), note, public_key, with_name)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        desk.fail(f"this cannot be verified: {error}", "an export of `ringfence audit export` is needed", REFUSED)
    except Error as error:
        desk.fail(f"this cannot be verified: {error}", error.remedy, REFUSED)
    _print(desk, report, own_key=key is None)
    if not report.is_intact or report.checkpoint is None:
        raise typer.Exit(REFUSED)


def lines_of(desk: Desk, file: Path | None) -> Iterator[bytes]:
    """Every line of the export."""
    if file is None:
        yield from desk.lines("/audit/export")
        return
    with file.open("rb") as opened:
        while line := opened.readline(_LONGEST_LINE):
            yield line.rstrip(b"\n")


def last_line(desk: Desk, file: Path | None) -> dict[str, Any]:
    """The signed head of the export, with its name and key."""
    if file is None:
        head = desk.ask("GET", "/audit/checkpoint")
        return {**head, "checkpoint": head["note"]}
    last = b""
    for line in lines_of(desk, file):
        last = line
    if not last.startswith(LAST):
        raise ValueError("the last line holds no signed head")
    return json.loads(last)


def _print(desk: Desk, report: LogReport, *, own_key: bool) -> None:
    signed = report.checkpoint.size if report.checkpoint is not None else 0
    if desk.as_json:
        findings = [{"tamper": f.tamper.value, "seq": f.seq, "detail": f.detail} for f in report.findings]
        return desk.print_json(
            {
                "intact": report.is_intact and report.checkpoint is not None,
                "entries": report.size,
                "signed": signed,
                "unsigned": report.unsigned,
                "root": base64.b64encode(report.root).decode(),
                "findings": findings,
                "unlisted": report.unlisted,
                "key_from_the_gateway_itself": own_key,
            }
        )
    from ringfence.app.cli.terminal import console, safe

    out = console()
    for finding in report.findings:
        out.print(safe(f"{finding.tamper.value}: {finding.detail}", "bold red"))
    if report.unlisted:
        out.print(safe(f"and {report.unlisted} more findings", "bold red"))
    if report.checkpoint is None:
        out.print(safe("no signed head vouches for these entries", "bold red"))
    elif report.is_intact:
        out.print(safe(f"intact: {signed} of {report.size} entries under the signed head", "bold green"))
        if own_key:
            out.print(safe("the key came from the gateway itself: keep a copy of it and of a head elsewhere", "dim"))
    return None
