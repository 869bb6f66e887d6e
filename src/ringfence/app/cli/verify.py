"""`ringfence audit verify`: an export, a live log or one entry's proof, with keys and checkpoints that were kept elsewhere.

Nothing here needs a gateway but verifying its live log.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ringfence.app.cli.audit_files import CHECKPOINT, Split, last_line, lines_of, read_note, tile_leaves
from ringfence.app.cli.options import REFUSED, UNAVAILABLE
from ringfence.app.cli.progress import counted
from ringfence.app.cli.verify_report import print_log, print_proof
from ringfence.core.audit.checkpoint import parse_checkpoint
from ringfence.core.audit.keys import VerifierKey, parse_key
from ringfence.core.audit.note import COSIGNATURE, ED25519, decode_base64, parse_note
from ringfence.core.audit.proof_file import parse_proof
from ringfence.core.audit.verify import verify_log
from ringfence.core.audit.verify_proof import verify_proof
from ringfence.errors import Error, RequestError

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk


_VERIFIER_KEY = re.compile(r"[^+\s]+\+[0-9a-f]{8}\+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person gave to verify with."""

    export: Path | None
    proof: Path | None
    checkpoints: Sequence[Path]
    key: str | None
    """A verifier key, or a file with one."""
    witnesses: Sequence[str]
    quorum: int | None


@dataclass(frozen=True, slots=True)
class _Source:
    """A log to verify: its leaves, its own checkpoint, and the key that came with it."""

    leaves: Iterable[bytes]
    note: str | None
    key: VerifierKey | None
    total: int


def verify(desk: Desk, asked: Asked) -> None:
    """Report, and end with 0 where everything holds, 1 where it does not, 3 where a file cannot be read."""
    try:
        witnesses = [_witness_key(given) for given in asked.witnesses]
        holds = _verify_proof(desk, asked, witnesses) if asked.proof is not None else _verify_log(desk, asked, witnesses)
    except OSError as error:
        desk.fail(f"{error.filename or 'the export'} cannot be read: {error.strerror or error}", "", UNAVAILABLE)
    except (ValueError, KeyError, TypeError) as error:
        desk.fail(f"this cannot be verified: {error}", "an export of `ringfence audit export` is needed", REFUSED)
    except Error as error:
        desk.fail(f"this cannot be verified: {error}", error.remedy, REFUSED)
    if not holds:
        raise typer.Exit(REFUSED)


def _verify_log(desk: Desk, asked: Asked, witnesses: list[VerifierKey]) -> bool:
    source = _source(desk, asked.export)
    key = _key(asked.key, source.key)
    report = verify_log(
        counted(source.leaves, source.total, "verified", quiet=desk.as_json),
        source.note,
        key.public_key,
        key.name,
        kept=[read_note(path) for path in asked.checkpoints],
        witnesses=witnesses,
        quorum=asked.quorum,
    )
    print_log(desk, report, own_key=asked.key is None)
    return report.is_intact and (report.checkpoint is not None or bool(report.kept))


def _verify_proof(desk: Desk, asked: Asked, witnesses: list[VerifierKey]) -> bool:
    assert asked.proof is not None
    if asked.key is None:
        desk.usage("a proof is verified with the log's key: --key", "`ringfence audit key` prints it where the gateway runs")
    key = _key(asked.key, None)
    proof = parse_proof(read_note(asked.proof))
    report = verify_proof(proof, key.public_key, key.name, witnesses=witnesses, quorum=asked.quorum)
    print_proof(desk, proof.index, report)
    return report.is_proved


def _source(desk: Desk, export: Path | None) -> _Source:
    if export is None and not desk.is_running() and (desk.state / "log.key").exists():
        # Only here: it loads the stores.
        from ringfence.app.wiring.compose import stored_log

        stored = stored_log(desk.state)
        return _Source(stored.leaves, stored.note, stored.key, 0)
    if export is None:
        head = desk.ask("POST", "/audit/checkpoint", {})
        return _Source(Split(desk.lines("/audit/export")).leaves(), head["note"], _own_key(head), head["size"])
    if export.is_dir():
        note = read_note(export / CHECKPOINT)
        size = parse_checkpoint(parse_note(note).text).size
        return _Source(tile_leaves(export, size), note, None, size)
    last = last_line(export)
    return _Source(Split(lines_of(export)).leaves(), last["checkpoint"], _own_key(last), 0)


def _own_key(last: dict[str, Any]) -> VerifierKey:
    return VerifierKey(str(last["name"]), ED25519, base64.b64decode(last["public_key"], validate=True))


def _key(given: str | None, own: VerifierKey | None) -> VerifierKey:
    """The key that was given, as a verifier key or as the bare key in base64; else the one that came with the log."""
    if given is not None:
        text = _text(given)
        try:
            if _VERIFIER_KEY.match(text):
                return parse_key(text, ED25519)
            if own is None:
                raise RequestError("a bare key does not say the log's name")
            return VerifierKey(own.name, ED25519, decode_base64(text))
        except RequestError as error:
            raise RequestError(f"--key {given}: expected the line of `ringfence audit key`: {error}") from error
    if own is None:
        raise RequestError("tiles carry no key: give the log's with --key")
    return own


def _witness_key(given: str) -> VerifierKey:
    try:
        return parse_key(_text(given), COSIGNATURE)
    except RequestError as error:
        raise RequestError(f"--witness {given}: expected the line of `ringfence witness key`: {error}") from error


def _text(given: str) -> str:
    """What was given itself, or what stands in the file of that name."""
    path = Path(given)
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    return read_note(path).strip() if is_file else given.strip()
