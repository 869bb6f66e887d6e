"""Gathers everything that `doctor` judges. Reads only, and starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.app.config.load import load_config
from ringfence.app.config.settings import Loaded
from ringfence.app.doctor.facts import Facts, Unseen
from ringfence.app.doctor.gather_clients import clients_files
from ringfence.app.doctor.gather_endings import endings
from ringfence.app.doctor.gather_environment import agent_shell, variables
from ringfence.app.doctor.gather_files import config_files, operator_files, state_files
from ringfence.app.doctor.gather_gateway import Ask, StoredRuns, seen_gateway
from ringfence.app.doctor.gather_texts import Texts
from ringfence.app.doctor.references import every_reference
from ringfence.app.redaction import literal_secrets
from ringfence.core.model.identifiers import Millis
from ringfence.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where to look."""

    config: Path | None
    """None: there is none."""
    state: Path | None
    """A directory that exists."""
    home: Path
    here: Path
    """The folder that agents are taken to work in."""
    environment: Mapping[str, str]
    own_uid: int
    now: Millis
    ask: Ask
    """Asks the running gateway."""
    stored_runs: StoredRuns
    """Reads the state of one that does not run."""


def gather(around: Surroundings, texts: Texts) -> Facts:
    """The facts. `texts` learns every secret that was come across, so that the report can be kept free of them."""
    loaded, faults = _configuration(around.config)
    if loaded is not None:
        texts.redactor.learn_lasting(literal_secrets(loaded))
    referred = {ref.name for ref in every_reference(loaded) if ref.kind == "env"} if loaded is not None else set[str]()
    unseen: list[Unseen] = []
    folders = tuple(dict.fromkeys((around.here, *((around.config.absolute().parent,) if around.config else ()))))
    if around.config is not None:
        texts.configuration(around.config, loaded)
    for folder in folders:
        texts.env_files(folder)
    clients_files(around.home, folders, around.environment, texts)
    gateway = seen_gateway(around.state, around.ask, around.stored_runs, around.now)
    files = [
        *config_files(around.config, loaded, around.environment, unseen),
        *state_files(around.state, unseen),
        *operator_files(around.home, around.environment),
    ]
    return Facts(
        now=around.now,
        gateway_uid=next((file.owner for file in files if file.path == around.state), around.own_uid),
        loaded=loaded,
        faults=faults,
        state=around.state,
        is_running=gateway.is_running,
        control_url=gateway.control_url,
        agent_shell=agent_shell(around.environment),
        variables=variables(around.environment, texts.redactor, referred),
        written=tuple(texts.written),
        files=tuple(files),
        endings=tuple(endings(loaded, around.environment, texts.redactor, unseen)) if loaded is not None else (),
        runs=gateway.runs,
        unseen=(*unseen, *texts.unseen, *gateway.unseen),
    )


def _configuration(path: Path | None) -> tuple[Loaded | None, tuple[str, ...]]:
    if path is None:
        return None, ()
    try:
        return load_config(path), ()
    except ConfigError as error:
        return None, tuple(str(error).splitlines())
