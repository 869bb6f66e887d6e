"""`ringfence pins`: which definitions of tools are pinned, what changed in one, and approving it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.options import As, AsJson, State, Yes

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk

app = typer.Typer(no_args_is_help=True, help="Pinned definitions of tools: list, diff, approve.")

Server = Annotated[str, typer.Argument(metavar="SERVER", help="The server's id.", show_default=False)]
Name = Annotated[
    str | None, typer.Argument(metavar="[TOOL]", help="The tool's, prompt's or template's name.", show_default=False)
]
Kind = Annotated[str, typer.Option("--kind", help="tool, prompt, resource_template or instructions.")]
Digest = Annotated[
    str | None, typer.Option("--digest", help="The digest that `pins diff` showed.", metavar="DIGEST", show_default=False)
]


@app.command("list")
def list_(
    quarantined: Annotated[bool, typer.Option("--quarantined", "-q", help="Only what is quarantined.")] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """List what is pinned, by whom, and what is quarantined and why."""
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", query("/pins", quarantined="true" if quarantined else None))
    if as_json:
        return desk.print_json(answer)
    rows = table("server", "kind", "name", "state", "pinned by", "digest", "remarks")
    for pin in answer["pins"]:
        remarks = "; ".join(text for text in (pin["why"], *pin["findings"]) if text)
        rows.add_row(
            safe(pin["server"]), safe(pin["kind"].replace("_", " ")), safe(pin["name"]), _state_of(pin), safe(pin["by"]),
            safe((pin["pinned"] or "")[:23], "dim"), safe(remarks, "yellow"),
        )  # fmt: skip
    console().print(rows)
    return None


@app.command("diff")
def diff(
    server: Server, name: Name = None, kind: Kind = "tool", state: State = None, as_name: As = None, as_json: AsJson = False
) -> None:
    """Show exactly what differs between the pinned definition and what the server lists now."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    _show(desk, _difference(desk, *_which(desk, server, name, kind)))


@app.command("approve")
def approve(
    server: Server, name: Name = None, kind: Kind = "tool", digest: Digest = None, yes: Yes = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Let exactly this definition be used. Shows the difference and asks; without a terminal it needs --digest or --yes."""
    from ringfence.app.cli.approvals import forget_typed
    from ringfence.app.cli.desk import Desk, is_person
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    server, name, kind = _which(desk, server, name, kind)
    if digest is None:
        found = _difference(desk, server, name, kind)
        if not as_json:
            _show(desk, found)
        if not yes:
            if not is_person() or as_json:
                desk.usage(
                    "approving needs the digest of the definition that was read", "--digest DIGEST, or --yes for what is listed"
                )
            forget_typed()
            if typer.prompt("Type `approve` to go on", default="", show_default=False).strip() != "approve":
                raise typer.Abort
        digest = found["digest"] or ""
    body = {"digest": digest, "kind": kind, **({"name": name} if name else {})}
    answer = desk.ask("POST", f"{_path(server, name)}/approve", body)
    if as_json:
        return desk.print_json(answer)
    said = "quarantined still: " + answer["why"] if answer["why"] else "may be used from now on"
    out = f"{answer['server']} {answer['kind'].replace('_', ' ')} {answer['name']}: {said} (entry {answer['entry']})"
    console().print(safe(out, "bold red" if answer["why"] else "bold green"), soft_wrap=True)
    return None


def _which(desk: Desk, server: str, name: str | None, kind: str) -> tuple[str, str, str]:
    """`orders get`, or `orders.get` in one word."""
    if name is None and kind != "instructions":
        server, dot, name = server.partition(".")
        if not dot:
            desk.usage("which tool?", f"`ringfence pins list` shows them; `ringfence pins diff {server} TOOL`")
    return server, name or "", kind


def _path(server: str, name: str) -> str:
    # The real name goes beside the path, where a slash or nothing at all can stand.
    return f"/pins/{quote(server, safe='')}/{quote(name.replace('/', '-'), safe='') or '-'}"


def _difference(desk: Desk, server: str, name: str, kind: str) -> dict[str, Any]:
    from ringfence.app.cli.desk import query

    return desk.ask("GET", query(f"{_path(server, name)}/diff", kind=kind, name=name or None))


def _show(desk: Desk, found: dict[str, Any]) -> None:
    from ringfence.app.cli.terminal import console, safe

    if desk.as_json:
        return desk.print_json(found)
    out = console()
    title = f"{found['kind'].replace('_', ' ')} {found['name']} of {found['server']}"
    out.print(safe(title, "bold"), _state_of(found), soft_wrap=True)
    if found["why"]:
        out.print(safe(f"  {found['why']}", "bold red"), soft_wrap=True)
    for finding in found["findings"]:
        out.print(safe(f"  ! {finding}", "bold yellow"), soft_wrap=True)
    if not found["differences"]:
        out.print(safe("  no difference"))
    for difference in found["differences"]:
        out.print(safe(difference["pointer"] or "/", "cyan"), soft_wrap=True)
        if "old" in difference:
            out.print(safe(f"  - {difference['old']}", "red"), soft_wrap=True)
        if "new" in difference:
            out.print(safe(f"  + {difference['new']}", "green"), soft_wrap=True)
    if found["left_off"]:
        out.print(safe(f"  and {found['left_off']} more: too many to judge, so it cannot be approved", "bold red"))
    out.print(
        safe(f"pinned {found['pinned'] or 'never'}\nlisted {found['listed'] or 'not at the moment'}", "dim", one_line=False)
    )
    return None


def _state_of(pin: dict[str, Any]) -> Any:
    from ringfence.app.cli.terminal import safe

    styles = {"quarantined": "bold red", "pinned": "green", "not_listed": "dim"}
    return safe(pin["state"].replace("_", " "), styles[pin["state"]])
