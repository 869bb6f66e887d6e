"""What the commands of `ringfence policy` work on: policies with the definitions of their tools, and the calls of a log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ringfence.app.cli.desk import Desk, query
from ringfence.app.cli.options import REFUSED, UNAVAILABLE
from ringfence.app.config.load import load_config
from ringfence.app.config.policies import with_policies
from ringfence.app.policies.definitions import asked_of_servers, pinned
from ringfence.app.policies.trial import Trial
from ringfence.errors import ConfigError


def trial_of(desk: Desk, config: Path, policies: Path | None, *, ask_servers: bool) -> Trial:
    """The configuration with its policies and the definitions to hold them against. Ends the command where there is none."""
    try:
        loaded = load_config(config)
        if policies is not None:
            loaded = with_policies(loaded, policies.absolute())
    except ConfigError as error:
        desk.fail(str(error), error.remedy, REFUSED)
    if ask_servers:
        # The whole gateway, which only this way needs.
        from ringfence.app.wiring.upstreams import list_tools_of

        known, silent = asyncio.run(asked_of_servers(loaded, list_tools_of))
        if silent:
            desk.fail("servers did not answer\n" + "\n".join(f"  {one}" for one in silent), "", UNAVAILABLE)
    else:
        known = pinned(loaded, desk.ask("GET", "/definitions", offline=True)["definitions"])
        if not known and loaded.rules.tools:
            remedy = "start the gateway once, name its --state, or use --ask-servers"
            desk.fail(f"{desk.state} knows no definition of a configured tool", remedy, UNAVAILABLE)
    return Trial(loaded, known)


def recorded(desk: Desk) -> Iterator[Mapping[str, Any]]:
    """The state's log, oldest first: openings of runs and decisions, in their order."""
    cursor: str | None = None
    while True:
        path = query("/audit", limit=1000, order="oldest", cursor=cursor)
        page = desk.ask("GET", path, offline=True)
        yield from page["entries"]
        cursor = page["next"]
        if cursor is None:
            return


def exported(desk: Desk, path: Path) -> Iterator[Mapping[str, Any]]:
    """The entries of an export; its last line is the signed head."""
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    value = json.loads(line)
                except ValueError:
                    desk.fail(f"{path} is not an export of a log", "`ringfence audit export --output FILE` writes one", REFUSED)
                if isinstance(value, dict) and "kind" in value and "seq" in value:
                    yield value
    except (OSError, UnicodeDecodeError) as error:
        desk.fail(f"{path} cannot be read: {error}", "", REFUSED)
