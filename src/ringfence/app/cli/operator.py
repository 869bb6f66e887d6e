"""`ringfence operator`: people with roles. Works without a running gateway too."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.app.cli.options import As, AsJson, State
from ringfence.core.model.operator import Role

app = typer.Typer(no_args_is_help=True, help="People with roles: add, list, remove.")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, dot, dash, underscore.")],
    role: Annotated[
        Role, typer.Option("--role", help="viewer reads; approver also decides and stops; admin does all.", show_default=False)
    ],
    uid: Annotated[
        int | None, typer.Option("--uid", min=0, help="The local user that is this person on the socket.", show_default=False)
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the credential in ~/.config/ringfence, for `--as`.")] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Add an operator and show the credential, once. The first one has to be an admin and is bound to your local user."""
    import os

    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.options import REFUSED
    from ringfence.app.cli.places import keep_credential

    desk = Desk(state, as_name, as_json)
    body: dict[str, object] = {"name": name, "role": role.value}
    if uid is not None:
        body["uid"] = uid
    answer = desk.ask("POST", "/operators", body, offline=True)
    saved = None
    if save:
        try:
            saved = keep_credential(answer["name"], answer["credential"], os.environ)
        except OSError as error:
            why = f"the operator was added, but the credential cannot be kept: {error.strerror}"
            desk.fail(why, f"the credential, this once: {answer['credential']}", REFUSED)
    if as_json:
        return desk.print_json({**answer, "saved": str(saved) if saved else None})
    typer.echo(f"{answer['name']} is now an operator with the role {answer['role']}.")
    typer.echo(f"\n  {answer['credential']}\n")
    typer.echo("This is shown once. It logs in on the page, and goes into RINGFENCE_OPERATOR_CREDENTIAL for the command line.")
    if saved:
        typer.echo(f"It is kept in {saved}: add `--as {answer['name']}` to a command.")
    if answer["uid"] == os.getuid():
        typer.echo("On this machine your local user is enough: no credential is needed on the control socket.")
    return None


@app.command("list")
def list_(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """List everybody with a role."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/operators", offline=True)
    if as_json:
        return desk.print_json(answer)
    rows = table("operator", "role", "local user", "added")
    for operator in answer["operators"]:
        rows.add_row(safe(operator["name"]), safe(operator["role"]), safe(operator["uid"]), safe(operator["added_at"]))
    console().print(rows)
    return None


@app.command("remove")
def remove(name: str, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Remove an operator; credential and logins are void at once. The last admin stays."""
    from urllib.parse import quote

    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("DELETE", f"/operators/{quote(name, safe='')}", offline=True)
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"{answer['name']} is no longer an operator.")
    return None
