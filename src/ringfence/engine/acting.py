"""What happens to a call that was allowed: durable first where it can do harm, sent, looked at, settled.

5 act          the tool's credential put in; stops read again with no await before the send; exactly the canonical call
6 inspect      the result is data: scanned, secrets masked (docs/scanning.md)
7 settle       the outcome entry; an unknown outcome is ambiguous and never retried
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Final, assert_never

from ringfence.core.labelling import REFUSED, incoming
from ringfence.core.ledger.charges import rows_in
from ringfence.core.ledger.model_caps import settled_at
from ringfence.core.ledger.moves import held_of, used_of
from ringfence.core.mcp.asking import granted_capabilities
from ringfence.core.mcp.methods import is_method
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import Millis, RunId, ServerId
from ringfence.core.model.label import CLEAN, Label, memory_place
from ringfence.core.model.local import LOCAL
from ringfence.core.model.meter import OF_MODELS, MeterKind
from ringfence.core.model.model_use import MODEL
from ringfence.core.model.profile import Effect, Sensitivity, ToolProfile, Trust
from ringfence.core.model.provenance import Heard
from ringfence.core.model.stop import Reach
from ringfence.core.model.stop_when import Condition
from ringfence.core.model.verdict import Level, Reason, ReasonCode
from ringfence.core.own_tools.connecting import EGRESS, SERVER
from ringfence.core.own_tools.exporting import SERVER as WORKSPACE_RULE
from ringfence.core.own_tools.exporting import WORKSPACE
from ringfence.core.own_tools.local_calls import SERVER as LOCAL_RULE
from ringfence.core.own_tools.modelling import SERVER as MODEL_RULE
from ringfence.core.records.entry import Entry
from ringfence.core.records.unit import Change, Conflict, JoinLabel, Release, Settle, Unit
from ringfence.core.rules import ServerRule, Share
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.alerting.nearing import near_of, tightest
from ringfence.engine.alerting.suspicions import Suspicions
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.entries import outcome_entry
from ringfence.engine.hearing import Hearing
from ringfence.engine.identity.identify import Vouched
from ringfence.engine.identity.on_behalf import OnBehalf
from ringfence.engine.identity.reaching import reach_in
from ringfence.engine.inspection import Inspection
from ringfence.engine.local.calls import LocalCalls
from ringfence.engine.mediation import failed, mediated
from ringfence.engine.models.calls import ModelCalls
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Returned, ServerFailed
from ringfence.engine.request import ClientSide
from ringfence.engine.runs.delegating import shown
from ringfence.engine.runs.handing import Handed
from ringfence.engine.runs.runs import Opening
from ringfence.engine.sanitising import quiet, sanitised
from ringfence.engine.secrets.injection import HELD_BACK, Injection
from ringfence.engine.secrets.personal_data import scan_rule
from ringfence.engine.steps import AtStep, Step
from ringfence.engine.stopping.guards import Guards
from ringfence.engine.stopping.inflight import Flight, Inflight
from ringfence.engine.stopping.trails import Trails
from ringfence.engine.waiting.large_answers import LargeAnswers
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Receipt, Store
from ringfence.ports.upstream import TOOLS_CALL, Answered, Failed, Sending, Unknown, Upstream
from ringfence.ports.upstream import NotSent as UpstreamNotSent

logger = logging.getLogger(__name__)

DISK_S = 10.0
"""How long a call waits for its entry to reach the journal or the disk."""


CUT_AT_ONCE: Final = 8
"""Answers that a stop has cut and whose outcomes are recorded at the same time: hundreds at once would delay its
acknowledgement."""
PRICED: Final = frozenset({MeterKind.ROWS, *OF_MODELS})
"""What is known afterwards, so that people are told of it then."""
Risen = Callable[[RunId], Awaitable[None]]
"""Told that a run is about to be given what raises its label."""


class Actor:
    """Carries out what the enforcer allowed."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        alerts: Alerts,
        inflight: Inflight,
        trails: Trails,
        guards: Guards,
        hearing: Hearing,
        scanner: Scanner,
        injection: Injection,
        ways_out: Upstream | None,
        exports: Upstream | None,
        models: ModelCalls,
        local: LocalCalls,
        on_behalf: OnBehalf,
        risen: Risen,
        at_step: AtStep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._alerts = alerts
        self._inflight = inflight
        self._trails = trails
        self._guards = guards
        self._hearing = hearing
        self._scanner = scanner
        self._large = LargeAnswers(scanner.redactor)
        self._injection = injection
        self._ways_out = ways_out
        self._exports = exports
        self._models = models
        self._local = local
        self._on_behalf = on_behalf
        self._risen = risen
        self._suspicions = Suspicions(alerts)
        self._at = at_step
        self._cut_ones = asyncio.Semaphore(CUT_AT_ONCE)

    async def act(
        self,
        call: Call,
        facts: Facts,
        receipt: Receipt,
        client: ClientSide,
        vouched: Vouched | None,
        opening: Opening | None = None,
        handed: Handed | None = None,
    ) -> Outcome:
        tool = facts.tool
        assert tool is not None  # INVARIANT: `exposure` denied otherwise
        profile = tool.profile_for(call.value)
        entry = f"e{receipt.first_seq}"
        reach = reach_in(call, facts)
        rule = self._catalogue.rules.servers.get(call.server)
        inspection = Inspection(self._scanner, scan_rule(self._catalogue.rules, call.server, call.tool, call.agent))
        inspection.leaving(call.shown, profile.outbound, client.meta.beside)
        longest = rule.deadline_s if rule is not None else LOCAL_RULE.deadline_s if call.server == LOCAL else 0.0
        until = asyncio.get_running_loop().time() + longest
        with self._inflight.flight(call.id, reach, entry, facts.now) as flight:
            flight.charges, flight.loops = facts.charges, facts.loops
            flight.was_trusted = not facts.chain[0].run.label.is_untrusted
            flight.brings = handed.brings if handed is not None else CLEAN
            flight.label = facts.chain[0].run.label.joined(incoming(profile)).joined(flight.brings)
            flight.hears = facts.flow is not None and call.server != MODEL
            if call.server == MODEL:
                flight.cut = partial(self._models.cut, call.id)
            if call.server == LOCAL:
                # What its client does is not ended by an answer: a pause lets it end, and a kill waits for nothing.
                flight.cut = partial(self._local.cut, call.id)
            outcome: Outcome
            try:
                if not facts.chain[0].run.label.covers(flight.label):
                    await self._risen(call.run)
                if must_be_durable_first(profile):
                    self._at(Step.DURABLE)
                    await kept(receipt.durable())
                elif incoming(profile) != CLEAN and rule is not None and hears_early(client, rule):
                    await kept(receipt.journaled())
                self._at(Step.SEND)
                if opening is not None:
                    flight.sent = True
                    return await self._settle(call, flight, Returned(shown(opening.opened), entry), profile, inspection)
                if handed is not None:
                    flight.sent = True
                    outcome = inspection.outcome(Returned(handed.answer, entry))
                    return await self._settle(call, flight, outcome, profile, inspection)
                heard_by = quiet(client) if profile.sanitiser else client
                answer = await self._send(call, flight, reach, entry, heard_by, inspection, vouched)
                if profile.sanitiser:
                    answer = sanitised(answer, tool)
                outcome = await inspection.inspected(answer, self._large, until)  # 6
            except UnavailableError as error:
                # The entry is not on the disk in time, so nothing was sent. If it gets there later, so does its outcome.
                await self._settle(call, flight, NotSent("the decision could not be made durable", entry), profile, inspection)
                return Refused(Level.DENY, (Reason(ReasonCode.NOT_RECORDED, "record", str(error)),), None)
            except asyncio.CancelledError:
                why = "stopped by an operator" if flight.stopped else "the client went away"
                outcome = Ambiguous(why, entry) if flight.sent else NotSent(why, entry)
                await self._settle(call, flight, outcome, profile, inspection)
                task = asyncio.current_task()
                if not flight.stopped or task is None or task.uncancel() > 0:
                    raise
                return outcome
            if flight.over is not None:
                async with self._cut_ones:
                    return await self._settle(call, flight, outcome, profile, inspection)
            return await self._settle(call, flight, outcome, profile, inspection)

    def _another_environment(self, call: Call) -> str:
        """Why what the configuration has by now would carry another environment's credential. Empty: it would not."""
        rules = self._catalogue.rules
        agent, tool = rules.agents.get(call.agent), rules.tools.get(call.tool)
        if agent is None or tool is None or agent.is_for(tool):
            return ""
        return f"{tool.id}, or its credential, is not in the environment `{agent.environment}` of agent {agent.id}"

    async def _send(
        self,
        call: Call,
        flight: Flight,
        reach: Reach,
        entry: str,
        client: ClientSide,
        inspection: Inspection,
        vouched: Vouched | None,
    ) -> Outcome:
        upstream, rule = self._server(call.server)
        if upstream is None or rule is None:
            return NotSent(f"server {call.server} is no longer configured", entry)

        def may_send() -> bool:
            try:
                if flight.stopped or self._store.stops_on(reach) or self._catalogue.has_changed(call):
                    return False
            except UnavailableError:
                return False
            flight.sent = True
            self._at(Step.SENT)
            return True

        principal = {Share.RUN: f"run:{call.run}", Share.AGENT: f"agent:{call.agent}", Share.SERVER: "shared"}[rule.share]
        declared = granted_capabilities(client.capabilities, rule.grants)
        if why := self._another_environment(call):
            logger.error("call %s of %s is not sent: %s", call.id, call.tool, why)
            return NotSent(HELD_BACK, entry)
        async with AsyncExitStack() as held:
            try:
                bearer = await self._on_behalf.bearer(call.server, call.run, vouched)
                injected = await held.enter_async_context(
                    self._injection.injected(
                        call, self._catalogue.rules.tools.get(call.tool), lambda lane: upstream.forget(f"{principal}{lane}")
                    )
                )
            except UnavailableError as error:
                logger.error("call %s of %s is not sent: %s", call.id, call.tool, error.diagnostics())
                return NotSent(HELD_BACK, entry)
            flight.credential = injected.used if bearer is None else bearer.used_with(injected.used)
            sending = Sending(
                call=call.id,
                entry=entry,
                principal=f"{principal}{injected.lane}",
                method=call.upstream_name if is_method(call.upstream_name) else TOOLS_CALL,
                tool="" if is_method(call.upstream_name) else call.upstream_name,
                arguments=injected.arguments,
                headers=injected.headers,
                env=injected.env,
                bearer=bearer.token if bearer is not None else None,
                bearer_for=bearer.target if bearer is not None else "",
                on_refused=bearer.refused if bearer is not None else None,
                may_send=may_send,
                deadline_s=rule.deadline_s,
                on_progress=inspection.progress(client.on_progress),
                legacy_client=client.is_legacy,
                capabilities=declared,
                on_requests=mediated(client.ask, rule, call, inspection) if client.ask is not None else None,
                meta={**client.meta.vendor, **client.meta.trace},
                log_level=client.log_level if rule.grants.logging else None,
                on_log=inspection.logs(client.on_log) if rule.grants.logging else None,
                may_keep=inspection.keeping(client.may_keep),
            )
            reply = await upstream.call(sending)
        self._at(Step.ANSWER)
        match reply:
            case Answered(result=result):
                return Returned(result, entry)
            case Failed():
                return failed(reply, rule, declared, entry)
            case UpstreamNotSent(why=why):
                return NotSent(why, entry)
            case Unknown(why=why):
                return Ambiguous(why, entry)
            case _:
                assert_never(reply)

    # 7 ---------------------------------------------------------------------------------------------------------------

    async def _settle(
        self, call: Call, flight: Flight, outcome: Outcome, profile: ToolProfile, inspection: Inspection
    ) -> Outcome:
        """Record what came of it; a result leaves only when its entry is in the journal."""
        flight.ended = True
        self._at(Step.SETTLE)
        now = self._clock.now()
        change: Change
        if isinstance(outcome, NotSent):
            change = Release(call.id, now)
        else:
            change = Settle(call.id, now, self._priced(call, flight, outcome) if flight.charges else ())
        changes: tuple[Change, ...] = (change,)
        # Of a sanitiser the words are the gateway's own, and what a command says as it fails is what its profile says.
        failed = has_failed(outcome) and not profile.sanitiser and call.server != LOCAL
        raised = failed and not flight.label.covers(REFUSED)
        # What somebody wrote to the memory between the decision and the answer comes with the answer.
        label = incoming(profile, self._kept_in(call, profile)).joined(REFUSED if failed else CLEAN).joined(flight.brings)
        if not incoming(profile).covers(label):
            # Also where the label had it when the call was decided: an operator may have lowered it since.
            changes = (change, JoinLabel(call.run, label))
        entry = outcome_entry(
            call, now, outcome, flight.stopped, inspection.findings, flight.credential, inspection.facts, label, raised
        )
        if flight.hears:
            self._heard(call, flight, outcome, profile, label, int(entry.body.get("result_bytes", 0)), now)
        self._guard(call, flight, entry, profile, inspection, label, now)
        if flight.loops is not None:
            self._trails.note(call, flight.loops, str(entry.body.get("result_sha256", entry.decision)), now)
        try:
            receipt = await recorded(self._store, Unit((entry,), changes))
            self._at(Step.JOURNAL)
            self._suspicions.tell(call, inspection.findings, f"e{receipt.first_seq}")
            if profile.effect is Effect.READ and profile.sensitivity is Sensitivity.CONFIDENTIAL:
                await kept(receipt.durable())
            else:
                await kept(receipt.journaled())
        except UnavailableError as error:
            logger.error("the outcome of call %s could not be recorded: %s", call.id, error)
            if isinstance(outcome, NotSent):
                return outcome
            return Ambiguous("the outcome could not be recorded, so the result is withheld", flight.entry)
        if not flight.label.covers(label):
            with suppress(UnavailableError):  # a store that does not answer lets no way out live
                await self._risen(call.run)
        if isinstance(change, Settle) and any(charge.kind in PRICED for charge in flight.charges):
            with suppress(UnavailableError):  # what came of it is recorded; only telling it failed
                await self._tell_priced(call, change, flight, now)
        self._at(Step.REPLY)
        return outcome

    def _guard(
        self, call: Call, flight: Flight, entry: Entry, profile: ToolProfile, inspection: Inspection, label: Label, now: Millis
    ) -> None:
        """Whether the run gets anywhere, and whether it stops at what it was just given."""
        self._guards.made(call, flight.reach, profile, entry.body, entry.decision or "", flight.since, now)
        if any(finding.kind is Kind.INSTRUCTIONS for finding in inspection.findings):
            why = f"the scan found text that reads as orders to a model in what {call.tool} sent"
            self._guards.met(Condition.SUSPICIOUS, flight.reach, why)
        if flight.was_trusted and label.is_untrusted:
            self._guards.met(Condition.UNTRUSTED, flight.reach, f"{call.tool} gave it what strangers may have written")

    def _kept_in(self, call: Call, profile: ToolProfile) -> Label:
        """The label of what its server keeps, where the call may bring it; the highest where nobody can read it."""
        try:
            return self._store.label_of(memory_place(call.server)) if profile.memory else CLEAN
        except UnavailableError:
            return Label(Trust.UNTRUSTED, Sensitivity.REGULATED)

    def _heard(
        self, call: Call, flight: Flight, outcome: Outcome, profile: ToolProfile, label: Label, size: int, now: Millis
    ) -> None:
        """Keep what the run is about to be given, for saying later where a value comes from."""
        match outcome:
            case Returned(result=result) if size:
                value: Any = result
            case ServerFailed(message=message, data=data):
                value, size = {"error": message, "data": data}, len(message)
            case _:
                return
        failed = has_failed(outcome)
        heard = Heard(
            entry=flight.entry,
            tool=call.tool,
            arguments=call.shown,
            value=value,
            at=now,
            label=label,
            lookup=None if failed else profile.lookup,
            records=None if failed else profile.records,
        )
        self._hearing.note(call.run, heard, size)

    async def _tell_priced(self, call: Call, change: Settle, flight: Flight, now: Millis) -> None:
        costs, rules = dict(change.actual), self._catalogue.rules
        charges = [charge for charge in flight.charges if charge.kind in PRICED]
        meters = await self._store.meters([charge.meter for charge in charges])
        for charge, meter in tightest(charges, meters):
            if meter is None:
                continue
            # What requests to models hold is far more than what they turn out to cost, and nothing to be told of.
            after = used_of(meter, now) - (held_of(meter) if charge.kind in OF_MODELS else 0)
            before = after - costs.get(charge.meter, charge.amount)
            asked = charge.amount if charge.kind in OF_MODELS else 0
            near = near_of(charge, before, after, meter, call.agent, call.run, rules, now, asked)
            self._alerts.caps.used(near, rules, now)

    def _priced(self, call: Call, flight: Flight, outcome: Outcome) -> tuple[tuple[str, int], ...]:
        """What the call cost on the meters whose price is known only now. Of an unknown outcome that is what they held."""
        if call.server == MODEL:
            used = self._models.used(call.id)
            return settled_at(flight.charges, used) if used is not None else ()
        if isinstance(outcome, Ambiguous):
            return ()
        rule = self._catalogue.rules.tools.get(call.tool)
        rows = rows_in(outcome.result, rule.limits.rows) if isinstance(outcome, Returned) and rule is not None else 0
        return tuple((charge.meter, rows) for charge in flight.charges if charge.kind is MeterKind.ROWS)

    def _server(self, server: ServerId) -> tuple[Upstream | None, ServerRule | None]:
        """Who executes a server's calls, and the operator's rule for it."""
        if server == EGRESS:
            return self._ways_out, SERVER
        if server == WORKSPACE:
            return self._exports, WORKSPACE_RULE
        if server == MODEL:
            return self._models, MODEL_RULE
        if server == LOCAL:
            return self._local, LOCAL_RULE
        return self._catalogue.upstreams.get(server), self._catalogue.rules.servers.get(server)


async def recorded(store: Store, unit: Unit) -> Receipt:
    """Record what has to be recorded. Raises UnavailableError."""
    receipt = await store.record(unit)
    if isinstance(receipt, Conflict):
        raise UnavailableError(f"could not be recorded: {receipt.detail}")
    return receipt


async def kept(wait: Awaitable[None]) -> None:
    """Wait for the disk, within a deadline: a disk that hangs denies as one that is full (I3). Raises UnavailableError."""
    try:
        async with asyncio.timeout(DISK_S):
            await wait
    except TimeoutError as error:
        raise UnavailableError(f"the disk did not answer within {DISK_S:g} s") from error


def has_failed(outcome: Outcome) -> bool:
    """Whether what comes back is the text of an error."""
    return isinstance(outcome, ServerFailed) or (isinstance(outcome, Returned) and outcome.result.get("isError") is True)


def hears_early(client: ClientSide, rule: ServerRule) -> bool:
    """Whether a client may be told what a server says before its call has ended: the label has to be in the journal by then."""
    is_asked = bool(granted_capabilities(client.capabilities, rule.grants))
    return client.on_progress is not None or is_asked or (client.on_log is not None and rule.grants.logging)


def must_be_durable_first(profile: ToolProfile) -> bool:
    """Whatever writes, reaches outward or reads regulated data leaves only after its entry is on the disk (I1)."""
    return profile.effect is Effect.WRITE or profile.outbound or profile.sensitivity is Sensitivity.REGULATED
