"""`ringfence login` and `logout`: being a person that the configured issuer knows, for some hours."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.app.cli.options import As, AsJson, State

KEPT_AS = "oidc"


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command("login")(login)
    app.command("logout")(logout)


def login(
    oidc: Annotated[bool, typer.Option("--oidc", help="At the issuer of `operators.oidc`, with a browser anywhere.")] = False,
    name: Annotated[str, typer.Option("--name", help="What `--as` calls the login.")] = KEPT_AS,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Log in at the configured issuer; the credential is kept for `--as` until the login ends."""
    import os
    import time

    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.options import REFUSED
    from ringfence.app.cli.places import check_name, keep_credential
    from ringfence.app.cli.terminal import console, safe
    from ringfence.errors import CredentialError

    desk = Desk(state, None, as_json, nobody=True)
    if not oidc:
        desk.usage("say where to log in: `--oidc`", "an operator's own credential needs no login: `--as NAME`")
    try:
        check_name(name)
    except CredentialError as error:
        desk.usage(str(error))
    begun = desk.ask("POST", "/login/device", {})
    out = console(err=True)
    out.print(safe(f"Open {begun['uri']}", one_line=False), soft_wrap=True)
    out.print(safe(f"and enter {begun['user_code']}", "bold"), soft_wrap=True)
    if begun["complete_uri"]:
        out.print(safe(f"or open {begun['complete_uri']}", "dim", one_line=False), soft_wrap=True)
    while (answer := desk.ask("POST", "/login/device/result", {"login": begun["login"]}))["state"] == "waiting":
        time.sleep(answer["interval_s"])
    try:
        saved = keep_credential(name, answer["credential"], os.environ)
    except OSError as error:
        desk.fail(f"you are logged in, but the credential cannot be kept: {error.strerror}", "", REFUSED)
    if as_json:
        shown = {key: value for key, value in answer.items() if key not in ("credential", "state")}
        return desk.print_json({**shown, "saved": str(saved)})
    who = answer.get("shown") or answer["name"]
    typer.echo(f"{safe(who)} is logged in as {answer['role']} until {answer['expires_at']}.")
    typer.echo(f"The credential is kept in {saved}: add `--as {name}` to a command.")
    return None


def logout(as_name: As = KEPT_AS, state: State = None, as_json: AsJson = False) -> None:
    """End a login at the issuer, here and at the gateway."""
    import os

    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.places import credential_file

    desk = Desk(state, as_name, as_json)
    if desk.credential is None or not desk.credential.startswith("rfl_"):
        desk.usage("this is no login, but an operator's own credential", "`ringfence operator remove NAME` makes that void")
    answer = desk.ask("POST", "/logout")
    credential_file(as_name or KEPT_AS, os.environ).unlink(missing_ok=True)
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"{answer.get('shown') or answer['name']} is logged out.")
    return None
