"""What every command does around its request: find the gateway, say who asks, print the answer or why not, end with a code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

import typer

from ringfence.app.cli.client import ControlClient, NotRunningError, Refusal
from ringfence.app.cli.options import REFUSED, UNAVAILABLE, USAGE
from ringfence.app.cli.places import CONTROL_SOCKET, credential, state_directory
from ringfence.errors import CredentialError, Error, UnavailableError


class Desk:
    """One command's dealings with the gateway."""

    def __init__(self, state: Path | None, as_name: str | None = None, as_json: bool = False, *, nobody: bool = False) -> None:
        """`nobody`: with no credential, whatever the environment has."""
        self.as_json = as_json
        self.state = state_directory(state, os.environ, Path.cwd())
        try:
            self.credential = None if nobody else credential(as_name, os.environ)
        except CredentialError as error:
            self.fail(str(error), error.remedy, REFUSED)
        self.client = ControlClient(self.state / CONTROL_SOCKET, self.credential)

    def ask(self, method: str, path: str, body: Any = None, *, offline: bool = False) -> Any:
        """The answer's value; anything else ends the command. `offline`: without a gateway, work on the state itself."""
        answer = self.try_ask(method, path, body, offline=offline)
        if isinstance(answer, Refusal):
            self.fail(answer.message, answer.remedy, UNAVAILABLE if answer.status == 503 else REFUSED, answer.code)
        return answer

    def try_ask(self, method: str, path: str, body: Any = None, *, offline: bool = False) -> Any | Refusal:
        """As `ask`, but a refusal comes back as a value."""
        try:
            try:
                return self.client.ask(method, path, body)
            except NotRunningError:
                if not offline:
                    raise
                # The server side of the application is needed only here, and takes a while to load.
                from ringfence.app.cli.offline import ask_offline

                return ask_offline(self.state, self.credential, method, path, body)
        except UnavailableError as error:
            self.fail(str(error), error.remedy, UNAVAILABLE)

    def is_running(self) -> bool:
        """Whether a gateway listens on the control socket."""
        return self.client.is_running()

    def lines(self, path: str) -> Any:
        """The lines of a long answer, one by one."""
        try:
            yield from self.client.lines(path)
        except UnavailableError as error:
            self.fail(str(error), error.remedy, UNAVAILABLE)

    def print_json(self, value: Any) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=None) + "\n")

    def usage(self, message: str, remedy: str = "") -> NoReturn:
        self.fail(message, remedy, USAGE)

    def fail(self, message: str, remedy: str, code: int, name: str = "") -> NoReturn:
        fail(message, remedy, code, as_json=self.as_json, name=name)


_NAMES = {REFUSED: "refused", USAGE: "usage", UNAVAILABLE: "unavailable"}


def fail(message: str, remedy: str, code: int, *, as_json: bool, name: str = "") -> NoReturn:
    """Say why not, and end with the code."""
    if as_json:
        error = {"code": name or _NAMES[code], "message": message, "remedy": remedy}
        sys.stdout.write(json.dumps({"error": error}, ensure_ascii=False) + "\n")
    else:
        from ringfence.app.cli.terminal import console, safe

        out = console(err=True)
        out.print(safe(message, "bold red", one_line=False), soft_wrap=True)
        if remedy:
            out.print(safe(f"  {remedy}", one_line=False), soft_wrap=True)
    raise typer.Exit(code)


def fail_with(error: Error, code: int, *, as_json: bool) -> NoReturn:
    """As `fail`, for what the layers below raise."""
    fail(str(error), error.remedy, code, as_json=as_json)


def query(path: str, **values: Any) -> str:
    """A path with those query values that are given."""
    given = {name.rstrip("_"): value for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def is_person() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()
