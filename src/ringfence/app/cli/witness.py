"""`ringfence witness`: a small witness of other people's logs, with its own folder and key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.app.cli.options import REFUSED, UNAVAILABLE, AsJson

app = typer.Typer(no_args_is_help=True, help="A witness: it cosigns signed heads of logs, as long as they only grow.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's own folder.")]
Log = Annotated[str, typer.Argument(metavar="KEY", help="A log's key, as `ringfence audit key` prints it.")]


@app.command("init")
def init(
    folder: Folder,
    name: Annotated[str, typer.Option("--name", help="The witness's name, such as witness.example.")],
    log: Annotated[list[str] | None, typer.Option("--log", metavar="KEY", help="A log to cosign.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Make a witness with a new key, and print the key that logs and verifiers need."""
    from ringfence.app.cli.desk import fail_with
    from ringfence.app.wiring.witness import init_witness
    from ringfence.errors import ConfigError

    try:
        key = init_witness(folder, name, log or ())
    except ConfigError as error:
        fail_with(error, REFUSED, as_json=as_json)
    _print_key(str(key), as_json=as_json)


@app.command("trust")
def trust(folder: Folder, log: Log, as_json: AsJson = False) -> None:
    """Cosign this log as well, from the next start on."""
    from ringfence.app.cli.desk import fail_with
    from ringfence.app.wiring.witness import trust_log
    from ringfence.errors import ConfigError

    try:
        key = trust_log(folder, log)
    except ConfigError as error:
        fail_with(error, REFUSED, as_json=as_json)
    _print_key(str(key), as_json=as_json)


@app.command("key")
def key_(folder: Folder, as_json: AsJson = False) -> None:
    """Print the witness's key."""
    from ringfence.app.cli.desk import fail_with
    from ringfence.app.wiring.witness import witness_key
    from ringfence.errors import ConfigError

    try:
        key = witness_key(folder)
    except ConfigError as error:
        fail_with(error, REFUSED, as_json=as_json)
    _print_key(str(key), as_json=as_json)


@app.command("serve")
def serve(
    folder: Folder,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where logs connect; 0: any free port.")] = 7420,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; only this machine where absent.")] = "127.0.0.1",
    as_json: AsJson = False,
) -> None:
    """Answer `add-checkpoint` (C2SP tlog-witness) until SIGTERM. Put a TLS proxy before it for other machines."""
    import logging
    import sys

    from ringfence.app.cli.desk import fail_with
    from ringfence.app.wiring.witness import serve_witness
    from ringfence.errors import ConfigError, Error

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve_witness(folder, host, port)
    except ConfigError as error:
        fail_with(error, REFUSED, as_json=as_json)
    except Error as error:
        fail_with(error, UNAVAILABLE, as_json=as_json)


def _print_key(key: str, *, as_json: bool) -> None:
    import json

    typer.echo(json.dumps({"key": key}) if as_json else key)
