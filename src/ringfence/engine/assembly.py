"""The engine put together on its ports: the product and the tests have the same one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from ringfence.core.model.identifiers import RunId, ServerId
from ringfence.core.rules import AgentRule, Rules
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.acting import Actor
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.boxes.boxes import Boxes
from ringfence.engine.boxes.connections import Connections, ReadSecret, no_secrets
from ringfence.engine.boxes.exports import Exports
from ringfence.engine.boxes.server_boxes import ServerBoxBook
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.notices import Notices
from ringfence.engine.catalogue.pin_book import PinBook
from ringfence.engine.enforce import Enforcer
from ringfence.engine.facts import Gathering
from ringfence.engine.hearing import Hearing
from ringfence.engine.identity.on_behalf import OnBehalf
from ringfence.engine.ids import Ids
from ringfence.engine.local.calls import LocalCalls
from ringfence.engine.local.hooks import Hooks
from ringfence.engine.local.judged import Judges, no_home
from ringfence.engine.log.care import LogCare, LogOutlets
from ringfence.engine.log.checkpointer import Checkpointer
from ringfence.engine.models.calls import ModelCalls
from ringfence.engine.models.noted import Noted
from ringfence.engine.models.observing import Observing
from ringfence.engine.models.prompts import Prompts
from ringfence.engine.observed_store import observed
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.people.budgets import Budgets
from ringfence.engine.people.handoffs import Handoffs
from ringfence.engine.people.labels import Labels
from ringfence.engine.people.operators import Operators
from ringfence.engine.people.people import People
from ringfence.engine.people.pins import Pins
from ringfence.engine.people.steering import Steering
from ringfence.engine.recording import Recording
from ringfence.engine.runs.anonymous import Anonymous
from ringfence.engine.runs.outsiders import Outsiders
from ringfence.engine.runs.runs import Runs
from ringfence.engine.secrets.injection import Injection
from ringfence.engine.secrets.redacted_store import redacted
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.engine.steps import AtStep, nothing
from ringfence.engine.stopping.guards import Guards
from ringfence.engine.stopping.inflight import Inflight
from ringfence.engine.stopping.signals import Signals
from ringfence.engine.stopping.stops import Stops
from ringfence.engine.stopping.trails import Trails
from ringfence.engine.upkeep.housekeeping import Housekeeping
from ringfence.engine.waiting.reading import Reading
from ringfence.engine.waiting.sql_texts import SqlTexts
from ringfence.engine.waiting.waiters import Waiters
from ringfence.ports.audit import AuditLog
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.files import Files
from ringfence.ports.lever import Lever
from ringfence.ports.model_upstream import ModelUpstream
from ringfence.ports.notifier import Notifier
from ringfence.ports.signer import Signer
from ringfence.ports.sql_reader import SqlReader
from ringfence.ports.store import Store
from ringfence.ports.telemetry import Telemetry
from ringfence.ports.upstream import Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Every part of one engine, with the ports it stands on. Nothing runs by itself before `housekeeping.run`."""

    clock: Clock
    entropy: Entropy
    store: Store
    log: AuditLog
    signer: Signer
    notifier: Notifier
    lever: Lever
    ids: Ids
    catalogue: Catalogue
    alerts: Alerts
    inflight: Inflight
    injection: Injection
    on_behalf: OnBehalf
    enforcer: Enforcer
    connections: Connections
    exports: Exports
    models: ModelCalls
    local: LocalCalls
    hooks: Hooks
    observing: Observing
    boxes: Boxes
    server_boxes: ServerBoxBook
    approvals: Approvals
    runs: Runs
    anonymous: Anonymous
    outsiders: Outsiders
    stops: Stops
    guards: Guards
    signals: Signals
    operators: Operators
    people: People
    pins: Pins
    budgets: Budgets
    labels: Labels
    steering: Steering
    handoffs: Handoffs
    checkpointer: Checkpointer
    log_care: LogCare
    notices: Notices
    housekeeping: Housekeeping

    @classmethod
    def assemble(
        cls,
        rules: Rules,
        upstreams: Mapping[ServerId, Upstream],
        *,
        store: Store,
        log: AuditLog,
        clock: Clock,
        entropy: Entropy,
        signer: Signer,
        notifier: Notifier,
        lever: Lever,
        outlets: LogOutlets | None = None,
        injection: Injection | None = None,
        on_behalf: OnBehalf | None = None,
        redactor: Redactor | None = None,
        reading: Reading | None = None,
        sql: SqlReader | None = None,
        read_secret: ReadSecret = no_secrets,
        models: Mapping[str, ModelUpstream] | None = None,
        telemetry: Telemetry | None = None,
        judges: Callable[[Scanner], Judges] | None = None,
        files: Files | None = None,
        home_of: Callable[[AgentRule], str] = no_home,
        ignores_case: bool = False,
        at_step: AtStep = nothing,
    ) -> Self:
        """Wire every part. `telemetry` is told what is recorded; `at_step` is for tests that crash or stop at a chosen moment.

        Without `judges` and `files` no tool of a client's own can be let through. Without `injection` no tool has a credential
        of its own; without `on_behalf` no server is told a user.
        """
        injection = injection or Injection(SecretBook({}, clock))
        on_behalf = on_behalf or OnBehalf(clock)
        redactor = redactor if redactor is not None else Redactor()
        scanner = Scanner(redactor)
        if telemetry is not None:
            store = observed(store, telemetry, lambda: catalogue.rules)
        store = redacted(store, scanner)
        ids, inflight, waiters = Ids(entropy), Inflight(), Waiters()
        alerts = Alerts(notifier, ids, clock, redactor)
        catalogue = Catalogue(rules, upstreams, clock, PinBook(store, clock), redactor)
        approvals = Approvals(store=store, clock=clock, catalogue=catalogue, waiters=waiters, alerts=alerts, at_step=at_step)
        stops = Stops(
            store=store,
            clock=clock,
            ids=ids,
            inflight=inflight,
            approvals=approvals,
            catalogue=catalogue,
            alerts=alerts,
            at_step=at_step,
        )
        runs = Runs(store=store, clock=clock, ids=ids, catalogue=catalogue, alerts=alerts)

        async def withdraw(run: RunId, why: str) -> None:
            await approvals.withdraw_run(run, why, "gateway")

        runs.on_end.append(withdraw)
        runs.on_end.append(on_behalf.forget)
        connections = Connections(store=store, clock=clock, catalogue=catalogue, approvals=approvals, read_secret=read_secret)

        async def close_ways(run: RunId, why: str) -> None:
            connections.close_run(run, why)

        runs.on_close.append(close_ways)

        async def close_answers(run: RunId, why: str) -> None:
            asked.close_run(run, why)

        runs.on_close.append(close_answers)
        exports = Exports(store=store, clock=clock, approvals=approvals)
        noted = Noted(clock)
        asked = ModelCalls(
            store=store, clock=clock, catalogue=catalogue, noted=noted, upstreams=models, redactor=redactor, inflight=inflight
        )
        local = LocalCalls(
            store=store,
            clock=clock,
            catalogue=catalogue,
            approvals=approvals,
            scanner=scanner,
            judges=judges(scanner) if judges is not None else None,
            files=files,
            home_of=home_of,
            ignores_case=ignores_case,
        )

        async def close_local(run: RunId, why: str) -> None:
            local.close_run(run, why)

        runs.on_close.append(close_local)
        trails, hearing = Trails(), Hearing(clock.now())
        guards = Guards(store=store, catalogue=catalogue, stops=stops, alerts=alerts)

        async def forget(run: RunId, why: str) -> None:
            hearing.forget(run)
            alerts.caps.forget(run)
            noted.forget(run)
            hooks.close_run(run)
            guards.forget(run)

        runs.on_close.append(forget)
        actor = Actor(
            store=store,
            clock=clock,
            catalogue=catalogue,
            alerts=alerts,
            inflight=inflight,
            trails=trails,
            guards=guards,
            hearing=hearing,
            scanner=scanner,
            injection=injection,
            ways_out=connections,
            exports=exports,
            models=asked,
            local=local,
            on_behalf=on_behalf,
            risen=connections.risen,
            at_step=at_step,
        )
        gathering = Gathering(
            store=store,
            clock=clock,
            catalogue=catalogue,
            waiters=waiters,
            trails=trails,
            hearing=hearing,
            reading=reading or Reading(),
            sql=SqlTexts(sql),
        )
        recording = Recording(
            store=store,
            clock=clock,
            ids=ids,
            catalogue=catalogue,
            runs=runs,
            alerts=alerts,
            waiters=waiters,
            guards=guards,
            actor=actor,
            at_step=at_step,
        )
        enforcer = Enforcer(
            store=store,
            clock=clock,
            ids=ids,
            catalogue=catalogue,
            scanner=scanner,
            noted=noted,
            gathering=gathering,
            recording=recording,
            at_step=at_step,
        )

        async def risen_beside(run: RunId) -> None:
            await connections.risen(run)
            await guards.risen(run)

        connections.use(enforcer.connect, enforcer.refuse_connection, enforcer.reconsider)
        exports.use(enforcer.export)
        asked.use(enforcer.ask_model)
        local.use(enforcer.act_locally)
        hooks = Hooks(
            store=store,
            clock=clock,
            catalogue=catalogue,
            runs=runs,
            approvals=approvals,
            local=local,
            refuse=enforcer.refuse_locally,
        )
        log_care = LogCare(outlets or LogOutlets(), log=log, store=store, clock=clock, alerts=alerts)
        checkpointer, notices = Checkpointer(log, signer, log_care.heads.announce, clock), Notices(catalogue, clock)
        runs.on_open.append(notices.opened)
        return cls(
            clock=clock,
            entropy=entropy,
            store=store,
            log=log,
            signer=signer,
            notifier=notifier,
            lever=lever,
            ids=ids,
            catalogue=catalogue,
            alerts=alerts,
            inflight=inflight,
            injection=injection,
            on_behalf=on_behalf,
            enforcer=enforcer,
            connections=connections,
            exports=exports,
            models=asked,
            local=local,
            hooks=hooks,
            observing=Observing(
                store=store,
                log=log,
                clock=clock,
                catalogue=catalogue,
                noted=noted,
                redactor=redactor,
                prompts=Prompts(store=store, log=log, clock=clock, alerts=alerts),
                alerts=alerts,
                risen=risen_beside,
            ),
            boxes=Boxes(store=store, clock=clock, catalogue=catalogue, runs=runs),
            server_boxes=ServerBoxBook(store=store, clock=clock, ids=ids, runs=runs),
            approvals=approvals,
            runs=runs,
            anonymous=Anonymous(runs=runs, store=store, catalogue=catalogue),
            outsiders=Outsiders(runs=runs, store=store, clock=clock, ids=ids, catalogue=catalogue),
            stops=stops,
            guards=guards,
            signals=Signals(store=store, catalogue=catalogue, stops=stops),
            operators=Operators(store=store, clock=clock, ids=ids),
            people=People(catalogue=catalogue, store=store, clock=clock),
            budgets=Budgets(store=store, clock=clock, catalogue=catalogue, alerts=alerts),
            labels=Labels(store=store, log=log, clock=clock, catalogue=catalogue, alerts=alerts),
            steering=Steering(store=store, clock=clock),
            handoffs=Handoffs(store=store, scanner=scanner),
            pins=Pins(store=store, clock=clock, catalogue=catalogue, approvals=approvals, alerts=alerts),
            checkpointer=checkpointer,
            log_care=log_care,
            notices=notices,
            housekeeping=Housekeeping(
                clock=clock,
                store=store,
                stops=stops,
                approvals=approvals,
                runs=runs,
                catalogue=catalogue,
                checkpointer=checkpointer,
                alerts=alerts,
                lever=lever,
                notices=notices,
                inflight=inflight,
                log_care=log_care,
                injection=injection,
            ),
        )
