"""What the control plane stands on, as one value: the type checker sees every wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.app.control.scraping import Scraping
from ringfence.core.model.run import Posture
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.log.care import LogCare
from ringfence.engine.log.checkpointer import Checkpointer
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.people.budgets import Budgets
from ringfence.engine.people.handoffs import Handoffs
from ringfence.engine.people.labels import Labels
from ringfence.engine.people.operators import Operators
from ringfence.engine.people.people import People
from ringfence.engine.people.pins import Pins
from ringfence.engine.people.steering import Steering
from ringfence.engine.runs.outsiders import Outsiders
from ringfence.engine.runs.runs import Runs
from ringfence.engine.stopping.guards import Guards
from ringfence.engine.stopping.signals import Signals
from ringfence.engine.stopping.stops import Stops
from ringfence.ports.audit import AuditLog
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.people import PeopleIssuer
from ringfence.ports.signer import Signer
from ringfence.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlServices:
    """The engine's parts that people reach, and what only the composed gateway knows."""

    store: Store
    log: AuditLog
    clock: Clock
    entropy: Entropy
    signer: Signer
    """Its name is the log's origin; its public key is what an export is verified with."""
    approvals: Approvals
    stops: Stops
    guards: Guards
    signals: Signals
    runs: Runs
    outsiders: Outsiders
    operators: Operators
    people: People
    people_issuer: PeopleIssuer
    """Where people log in who have no credential of ours."""
    pins: Pins
    budgets: Budgets
    labels: Labels
    steering: Steering
    handoffs: Handoffs
    catalogue: Catalogue
    alerts: Alerts
    checkpointer: Checkpointer
    log_care: LogCare
    scraping: Scraping
    reload: Callable[[], Awaitable[str | None]]
    """Read the configuration again; None: done, else why the last good one stays."""
    status: Callable[[], Mapping[str, Any]]
    """What only the gateway knows of itself (listeners, configuration file, start time), as JSON values."""
    posture: Posture
    version: str
    own_uid: int
    """The gateway's own user: with root, the only one who may add the first operator."""
    public_url: str = ""
    """The address that people use over TCP besides loopback; without a trailing slash."""
