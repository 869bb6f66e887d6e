"""What verification found, for people and as JSON."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from ringfence.core.audit.findings import Finding, Tamper

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk
    from ringfence.core.audit.verify import LogReport
    from ringfence.core.audit.verify_proof import ProofReport

MEANS: dict[Tamper, str] = {
    Tamper.EDITED: "what is written is not what was signed",
    Tamper.DELETED: "entries were taken out",
    Tamper.INSERTED: "entries were put in",
    Tamper.REORDERED: "entries were moved",
    Tamper.TRUNCATED: "the end was cut off",
    Tamper.ROLLED_BACK: "an older state was put back",
    Tamper.FORKED: "the log's key has signed two histories: who holds the key is part of it",
    Tamper.CLOCK: "times cannot be true",
    Tamper.CHECKPOINT: "a signed head cannot be trusted",
    Tamper.WITNESS: "witnesses do not vouch for it",
    Tamper.PROOF: "the proof does not show what it claims",
}


def print_log(desk: Desk, report: LogReport, *, own_key: bool) -> None:
    """The report on a whole log."""
    signed = report.checkpoint.size if report.checkpoint is not None else 0
    vouched = report.checkpoint is not None or bool(report.kept)
    if desk.as_json:
        return desk.print_json(
            {
                "intact": report.is_intact and vouched,
                "entries": report.size,
                "signed": signed,
                "unsigned": report.unsigned,
                "root": base64.b64encode(report.root).decode(),
                "kept": [kept.size for kept in report.kept],
                "bodies_dropped": report.dropped,
                "cosigned": list(report.cosigned),
                "findings": _listed(report.findings),
                "unlisted": report.unlisted,
                "key_from_the_log_itself": own_key,
            }
        )
    from ringfence.app.cli.terminal import console, safe

    out = console()
    _say(report.findings, report.unlisted)
    if not vouched:
        out.print(safe("no signed head vouches for these entries", "bold red"))
    elif report.is_intact:
        covered = signed or max(kept.size for kept in report.kept)
        out.print(safe(f"intact: {covered} of {report.size} entries under the signed head", "bold green"))
    for kept in report.kept if report.is_intact else ():
        out.print(safe(f"it continues the checkpoint of {kept.size} entries that was kept elsewhere", "green"))
    if report.cosigned:
        out.print(safe(f"cosigned by {', '.join(report.cosigned)}", "green"))
    if report.dropped:
        dropped = f"the bodies of {report.dropped} entries were dropped"
        out.print(safe(f"{dropped}; who, when and what was decided is proved all the same"))
    if report.is_intact and vouched and own_key:
        out.print(safe("the key came with the log itself: keep it (`ringfence audit key`) and a head elsewhere", "dim"))
    return None


def print_proof(desk: Desk, index: int, report: ProofReport) -> None:
    """The report on one entry."""
    checkpoint = report.checkpoint
    if desk.as_json:
        return desk.print_json(
            {
                "proved": report.is_proved,
                "index": index,
                "entry": report.entry,
                "size": checkpoint.size if checkpoint else None,
                "origin": checkpoint.origin if checkpoint else None,
                "cosigned": list(report.cosigned),
                "findings": _listed(report.findings),
            }
        )
    from ringfence.app.cli.terminal import console, safe

    out = console()
    _say(report.findings, 0)
    if report.is_proved and checkpoint is not None:
        under = f"under its signed head of {checkpoint.size} entries"
        out.print(safe(f"proved: entry e{index} is in `{checkpoint.origin}`, {under}", "bold green"))
        if report.cosigned:
            out.print(safe(f"cosigned by {', '.join(report.cosigned)}", "green"))
        out.print(safe(json.dumps(report.entry, indent=2, ensure_ascii=False), one_line=False), soft_wrap=True)
    return None


def _listed(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [{"tamper": f.tamper.value, "seq": f.seq, "detail": f.detail} for f in findings]


def _say(findings: tuple[Finding, ...], unlisted: int) -> None:
    from ringfence.app.cli.terminal import console, safe

    out = console()
    for finding in findings:
        out.print(safe(f"{finding.tamper.value}: {finding.detail} ({MEANS[finding.tamper]})", "bold red"))
    if unlisted:
        out.print(safe(f"and {unlisted} more findings", "bold red"))
