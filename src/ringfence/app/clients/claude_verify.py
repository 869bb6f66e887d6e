"""Proving an installation in Claude Code on this machine, with the client that is on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.app.clients import files, namespaces
from ringfence.app.clients.claude_files import read_object
from ringfence.app.clients.claude_settings import SETTINGS_FILE
from ringfence.app.clients.claude_state import installed, plan_in, plan_of
from ringfence.app.clients.claude_trials import Trial, trials, tried
from ringfence.app.clients.credential_trials import Listing, strangers, worthless
from ringfence.app.clients.findings import Finding, Standing
from ringfence.app.clients.open_ends import open_ends, port
from ringfence.app.clients.stage import Stage
from ringfence.errors import Error, UnavailableError

PROGRAM: Final = "claude"
_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is looked at."""

    managed: Path
    program: Path | None
    """The client; None: the one on the path."""
    home: Path
    environment: Mapping[str, str]
    state: Path
    listing: Listing
    credential: str | None
    """Of a run; None: nobody gave one."""


def verify(around: Surroundings) -> Iterator[Finding]:
    """Every finding, as it is made. Reaches nothing but this machine."""
    yield from installed(around.managed)
    yield from _with_client(around)
    yield from _with_gateway(around)
    try:
        settings = read_object(files.read(around.managed / SETTINGS_FILE), around.managed / SETTINGS_FILE)
    except Error:
        settings = {}
    if (plan := plan_of(settings, around.managed)) is not None:
        yield from port(plan.url)
    yield from open_ends(around.home, around.environment, around.state, settings)


def _with_client(around: Surroundings) -> Iterator[Finding]:
    found = around.program or shutil.which(PROGRAM)
    if found is None:
        yield Finding(
            "client",
            Standing.UNPROVEN,
            "the client on this machine",
            "there is no `claude` on the path",
            "name it with --cli: nothing about its behaviour is proven",
        )
        return
    try:
        plan_in(around.managed)
        namespaces.check(around.managed)
        stage = Stage(Path(found), around.managed)
    except Error as error:
        yield Finding(
            "client", Standing.UNPROVEN, "starting the client beside this machine's settings", str(error), error.remedy
        )
        return
    first, *others = trials()
    finding = _tried(first, stage)
    yield finding
    if finding.fails:
        # Whatever does not run at all is stopped by everything.
        yield Finding("client", Standing.UNPROVEN, "all other trials", "they tell nothing while this one does not hold")
        return
    # Clients wait for most of their time.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda trial: _tried(trial, stage), others)


def _tried(trial: Trial, stage: Stage) -> Finding:
    try:
        return tried(trial, stage)
    except UnavailableError as error:
        return Finding(trial.name, Standing.UNPROVEN, trial.tried, str(error), error.remedy)


def _with_gateway(around: Surroundings) -> Iterator[Finding]:
    try:
        yield from strangers(plan_in(around.managed).url, around.credential)
        if around.credential is None:
            raise UnavailableError(
                "there is no run to try", remedy="name an agent with --agent: a run of it is opened and closed"
            )
        yield worthless(around.listing, around.credential)
    except Error as error:
        tried = "the credential of a run, shown to the control plane"
        yield Finding("credential-worthless", Standing.UNPROVEN, tried, str(error), error.remedy)
