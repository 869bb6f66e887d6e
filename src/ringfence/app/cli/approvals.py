"""`ringfence approvals`: what waits for you, and deciding on it deliberately."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.options import As, AsJson, Reason, State, Yes

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk

app = typer.Typer(no_args_is_help=True, help="What waits for a person: list, show, approve, deny, watch.")

CARD_COLUMNS = 100
_MOST_OF_WORST = 300
"""A card wider than this is harder to read, not easier."""

Digest = Annotated[
    str | None,
    typer.Option("--digest", help="The digest of the card that you read, as `show --json` gives it.", show_default=False),
]
Ticket = Annotated[str, typer.Argument(metavar="APPROVAL", help="As `approvals list` shows it.")]


@app.command("list")
def list_(
    which: Annotated[
        str, typer.Option("--which", help="pending, approved, denied, expired, withdrawn, consumed or all.")
    ] = "pending",
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a decision."""
    from rich.text import Text

    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table
    from ringfence.core.model.local import LOCAL

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", query("/approvals", state=which))
    if as_json:
        return desk.print_json(answer)
    if not answer["approvals"]:
        console().print(safe("nothing waits" if which == "pending" else "none"))
        return None
    rows = table("approval", "what", "undo", "state", "votes", "left")
    for item in answer["approvals"]:
        grave = item["card"]["undo"].startswith("cannot")
        votes = f"{sum(vote['decision'] == 'approve' for vote in item['votes'])}/{item['quorum']}"
        what = Text().append_text(safe(item["card"]["effect"], "bold"))
        if item["card"]["server"] == LOCAL:
            # Many of its tickets have the same sentence: what is asked about stands in what it would do.
            what.append("\n").append_text(safe(item["card"]["worst"][:_MOST_OF_WORST]))
        rows.add_row(
            safe(item["id"]), what, safe(item["card"]["undo"], "red" if grave else "green"),
            safe(item["state"]), safe(votes), safe(f"{item['expires_in_s'] // 60} min"),
        )  # fmt: skip
    console().print(rows)
    return None


@app.command("show")
def show(ticket: Ticket, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Show a card in full: what will happen, for whom, the exact arguments, why you are asked, the worst it can do."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    _show(desk, _get(desk, ticket))


@app.command("approve")
def approve(
    ticket: Ticket, digest: Digest = None, reason: Reason = "", yes: Yes = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Approve exactly this call. Shows the card and asks; without a terminal it needs --digest or --yes."""
    _decide(ticket, "approve", digest, reason, yes=yes, state=state, as_name=as_name, as_json=as_json)


@app.command("deny")
def deny(
    ticket: Ticket, digest: Digest = None, reason: Reason = "", yes: Yes = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Deny this call. Always possible."""
    _decide(ticket, "deny", digest, reason, yes=yes, state=state, as_name=as_name, as_json=as_json)


@app.command("watch")
def watch(
    once: Annotated[bool, typer.Option("--once", help="Go through what waits now, then end.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.2, max=60, help="Seconds between two looks.")] = 2.0,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Wait for approvals and go through them one by one: each card in full, then approve, deny or skip."""
    import time

    from ringfence.app.cli.desk import Desk, is_person
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    asks = is_person() and not as_json
    seen: set[str] = set()
    while True:
        for item in desk.ask("GET", "/approvals?state=pending")["approvals"]:
            if item["id"] in seen:
                continue
            seen.add(item["id"])
            if asks:
                _go_through(desk, item)
            elif as_json:
                desk.print_json(item)
            else:
                console().print(safe(f"{item['id']}  {item['card']['effect']}; {item['card']['undo']}"), soft_wrap=True)
        if once:
            return
        if asks and not seen:
            console().print(safe("watching; nothing waits yet (Ctrl-C ends)", "dim"))
            seen.add("")
        time.sleep(every)


def _go_through(desk: Desk, item: dict[str, Any]) -> None:
    from ringfence.app.cli.client import Refusal
    from ringfence.app.cli.terminal import console, safe

    _show(desk, item)
    word = _asked_word(approvable=item["approvable"], may_skip=True)
    if word == "skip":
        return
    reason = typer.prompt("Reason, for the log", default="", show_default=False)
    body = {"decision": word, "digest": item["digest"], "reason": reason}
    answer = desk.try_ask("POST", f"/approvals/{quote(item['id'], safe='')}/decision", body)
    if isinstance(answer, Refusal):
        console().print(safe(f"not done: {answer.message}", "bold red"))
    else:
        _told(answer)


def _decide(
    ticket: str, word: str, digest: str | None, reason: str, *, yes: bool, state: Any, as_name: str | None, as_json: bool
) -> None:
    from ringfence.app.cli.desk import Desk, is_person

    desk = Desk(state, as_name, as_json)
    if digest is None:
        item = _get(desk, ticket)
        if not as_json:
            _show(desk, item)
        if not yes:
            if is_person() and not as_json:
                if _asked_word(approvable=item["approvable"], may_skip=False, wanted=word) != word:
                    raise typer.Abort
            elif word == "approve":
                desk.usage(
                    "approving needs the digest of the card that was read", "--digest DIGEST, or --yes for the card as it is"
                )
        digest = item["digest"]
    answer = desk.ask(
        "POST", f"/approvals/{quote(ticket, safe='')}/decision", {"decision": word, "digest": digest, "reason": reason}
    )
    if as_json:
        return desk.print_json(answer)
    return _told(answer)


def _asked_word(*, approvable: bool, may_skip: bool, wanted: str = "") -> str:
    """A whole word, typed: no single key decides."""
    words = ["deny", *(["approve"] if approvable else []), *(["skip"] if may_skip else [])]
    forget_typed()
    question = f"Type `{wanted}` to go on" if wanted else f"{', '.join(words[:-1])} or {words[-1]}? Type the word"
    while True:
        typed = typer.prompt(question, default="skip" if may_skip else "", show_default=False).strip()
        if typed in words or wanted:
            return typed


def forget_typed() -> None:
    """Throw away what was typed before the card was on the screen: it cannot have been about it."""
    import sys
    import termios

    if sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _get(desk: Desk, ticket: str) -> dict[str, Any]:
    return desk.ask("GET", f"/approvals/{quote(ticket, safe='')}")


def _show(desk: Desk, item: dict[str, Any]) -> None:
    if desk.as_json:
        return desk.print_json(item)
    from ringfence.app.cli.card_view import card_panel
    from ringfence.app.cli.terminal import console

    out = console()
    out.print(card_panel(item), width=min(out.width, CARD_COLUMNS))
    return None


def _told(answer: dict[str, Any]) -> None:
    from ringfence.app.cli.terminal import console, safe

    still = answer["quorum"] - sum(vote["decision"] == "approve" for vote in answer["votes"])
    if answer["state"] == "pending":
        said, style = f"your approval counts; {still} more needed", "bold"
    elif answer["state"] == "approved":
        said, style = "approved: the agent's same call, or its claim, is executed once", "bold green"
    else:
        said, style = answer["state"], "bold red"
    console().print(safe(f"{answer['id']}: {said} (entry {answer['entry']})", style))
