"""An approval on a terminal: everything that a person judges by, with nothing hidden and nothing forged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ringfence.app.cli.terminal import safe

_STATE = {
    "pending": ("waits for a decision", "bold blue"),
    "approved": ("approved, not used yet", "bold green"),
    "denied": ("denied", "bold red"),
    "expired": ("expired", "bold red"),
    "withdrawn": ("withdrawn", "bold red"),
    "consumed": ("approved and used", "bold green"),
}


def card_panel(approval: Mapping[str, Any]) -> RenderableType:
    """The whole card."""
    card: Mapping[str, Any] = approval["card"]
    grave = str(card["undo"]).startswith("cannot")
    words, style = _STATE.get(approval["state"], (approval["state"], "bold"))
    parts: list[RenderableType] = [
        safe(card["effect"], "bold"),
        safe(f"It {card['undo']}.", "bold red" if grave else "green"),
    ]
    parts += [safe(f"It can only be denied: {fault}.", "bold red", one_line=False) for fault in card["unshowable"]]
    if card["marks"]:
        parts.append(Text(f"{card['marks']} invisible or misleading characters are spelled out below.", style="bold yellow"))
    parts += [Text(), Text("Exact arguments", style="bold dim"), _arguments(card["arguments"], card["authority"])]
    if card["fixed"]:
        parts += [Text("Filled in by the gateway", style="bold dim"), _arguments(card["fixed"], card["authority"])]
    if card.get("origins"):
        parts += [Text(), Text("Where the values come from", style="bold dim"), _origins(card["origins"])]
    parts += [Text(), _facts(approval, card)]
    if approval["votes"]:
        parts += [Text(), Text("Decisions", style="bold dim"), *(_vote(vote) for vote in approval["votes"])]
    if approval["closed_why"]:
        parts.append(safe(approval["closed_why"], "dim"))
    title = Text.assemble(safe(approval["tool"], "bold"), "  ", (words, style))
    return Panel(
        Group(*parts),
        title=title,
        title_align="left",
        subtitle=safe(f"{approval['id']}  card {approval['digest'][:16]}", "dim"),
        subtitle_align="right",
        border_style="red" if grave else "blue",
        padding=(1, 2),
    )


def _arguments(lines: list[Mapping[str, Any]], authority: list[str]) -> RenderableType:
    if not lines:
        return Text("  none", style="dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=False, overflow="fold")
    grid.add_column(overflow="fold", ratio=1)
    grid.add_column()
    for line in lines:
        carries = any(line["pointer"] == above or line["pointer"].startswith(f"{above}/") for above in authority)
        value = safe(line["value"], "bold yellow" if carries else "", one_line=False)
        if line["type"] == "string" and line["value"] == "":
            value = Text("empty text", style="dim")
        marked = Text("\u25c0 authority", style="yellow") if carries else Text()
        grid.add_row(safe(f"  {line['pointer']}", "dim"), value, marked)
    return grid


def _origins(lines: list[Mapping[str, Any]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=False, overflow="fold")
    grid.add_column(overflow="fold", ratio=1)
    for line in lines:
        where = safe(line["where"], "" if line["derived"] else "bold red")
        grid.add_row(
            safe(f"  {line['pointer'] or ('the call as a whole' if line['from'] == 'unasked' else 'all arguments')}", "dim"),
            where,
        )
        if line["near"]:
            grid.add_row(Text(), safe(f"one character differs from {line['near']}, which is trusted", "bold red"))
        if line["quoted"]:
            grid.add_row(Text(), safe(line["quoted"], "dim"))
    return grid


def _facts(approval: Mapping[str, Any], card: Mapping[str, Any]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold", ratio=1)
    grid.add_row("Why asked", safe(", ".join(card["why"])))
    for leaving in card.get("leaving", ()):
        grid.add_row("Leaving", safe(leaving))
    for policy in card.get("policies", ()):
        grid.add_row("Policy", safe(policy))
    grid.add_row("Worst", safe(card["worst"]))
    grid.add_row("Agent", Text.assemble(safe(card["agent"]), "  ", safe(card["purpose"], "dim")))
    grid.add_row("Run", safe(card["run"]))
    grid.add_row("Task", safe(card["task"] or "none stated", one_line=False))
    grid.add_row("", safe(f"stated by {card['task_by']}", "dim"))
    if approval.get("needs") and (card["quorum"] > 1 or card.get("groups")):
        grid.add_row("Still needed", safe(approval["needs"], "bold yellow"))
    left = f"in {approval['expires_in_s'] // 60} min; silence denies" if approval["state"] == "pending" else ""
    grid.add_row("Expires", Text.assemble(safe(approval["expires_at"]), "  ", (left, "dim")))
    return grid


def _vote(vote: Mapping[str, Any]) -> Text:
    verb = "approved" if vote["decision"] == "approve" else "denied"
    who = vote.get("shown") or vote["operator"]
    return Text.assemble("  ", safe(who, "bold"), f" {verb}  ", safe(vote["at"], "dim"), "  ", safe(vote["reason"]))
