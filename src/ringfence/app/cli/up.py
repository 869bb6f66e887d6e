"""`ringfence up` and `ringfence reload`, `ringfence status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.app.cli.options import REFUSED, UNAVAILABLE, As, AsJson, State


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("up")(up)
    app.command("status")(status)
    app.command("reload")(reload)


def up(
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")] = Path("ringfence.yaml"),
    state: State = None,
    port: Annotated[
        int, typer.Option("--port", envvar="RINGFENCE_PORT", min=0, max=65535, help="Where agents connect; 0: any free port.")
    ] = 7410,
    control_port: Annotated[
        int | None,
        typer.Option("--control-port", min=0, max=65535, help="Serve people over TCP as well, with login.", show_default=False),
    ] = None,
    unsafe_same_user: Annotated[
        bool, typer.Option("--unsafe-same-user", help="Accept that agents share this user: the boundary is then advisory.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the gateway in the foreground until SIGTERM. Prints a line that begins with `ready` when it accepts."""
    import gc
    import logging
    import os
    import sys

    gc.disable()  # it would walk what is being imported again and again: a sixth of the start
    from ringfence.app.cli.desk import fail, fail_with
    from ringfence.app.cli.places import state_directory
    from ringfence.app.wiring.compose import run_gateway
    from ringfence.errors import ConfigError, Error

    gc.enable()
    if not config.is_file():
        fail(f"{config}: no such file", "`ringfence init` writes a first one", REFUSED, as_json=as_json)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        code = run_gateway(
            config,
            state_directory(state, os.environ, Path.cwd()),
            port=port,
            control_port=control_port,
            unsafe_same_user=unsafe_same_user,
        )
    except ConfigError as error:
        fail_with(error, REFUSED, as_json=as_json)
    except Error as error:
        fail_with(error, UNAVAILABLE, as_json=as_json)
    raise typer.Exit(code)


def status(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Show posture, health, counts and what is stopped."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.server import add_server
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/status")
    if as_json:
        return desk.print_json(answer)
    out = console()
    shared = answer["posture"] == "shared"
    out.print(safe(f"posture {answer['posture']}: {answer['posture_means']}", "bold red" if shared else "green"))
    if "anonymous" in answer:
        who = f"whoever connects from this machine without a credential is {answer['anonymous']}"
        out.print(safe(f"anonymous: {who}", "bold red"))
    if answer.get("unbound_runs"):
        count = answer["unbound_runs"]
        out.print(
            safe(f"unbound: {count} open runs can be used by whoever knows their credential (docs/credentials.md)", "yellow")
        )
    for tool in answer.get("not_sanitisers", ()):
        out.print(safe(f"{tool} is no sanitiser: its output schema leaves room for text (docs/provenance.md)", "yellow"))
    if answer["degraded"]:
        out.print(safe(f"nothing can be recorded, so sends are denied: {answer['degraded']}", "bold red"))
    for name in ("version", "open_runs", "approvals_waiting", "calls_under_way", "entries"):
        if name in answer:
            out.print(safe(f"{name.replace('_', ' ')}: {answer[name]}"))
    _print_log(answer.get("log", {}))
    servers = table("server", "state", "says")
    for server in answer["server_health"]:
        add_server(servers, server)
    out.print(servers)
    for stop in answer["stops"]:
        out.print(safe(f"in force: {stop['text']} ({stop['id']}, {stop['by']}): {stop['reason']}", "bold red"))
    return None


def _print_log(log: dict[str, Any]) -> None:
    from ringfence.app.cli.terminal import console, safe

    out = console()
    if "witnesses" in log:
        cosigned = sum(not witness["problem"] for witness in log["witnesses"].values())
        said = f"log cosigned by {cosigned} of {len(log['witnesses'])} witnesses, {log['quorum']} needed"
        out.print(safe(f"{said}; {log['cosigned_size']} entries", "green" if cosigned >= log["quorum"] else "red"))
    for name, why in log.get("broken", {}).items():
        out.print(safe(f"log: {name} {why}; a restart starts it again", "bold red"))
    for section in ("witnesses", "anchors", "forward"):
        for name, place in log.get(section, {}).items():
            if place["problem"]:
                out.print(safe(f"log, {section}: {name}: {place['problem']}", "red"))


def reload(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Read the configuration again. An invalid file changes nothing."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", "/reload", {})
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"the configuration is in force, digest {answer['rules'][:16]}")
    return None
