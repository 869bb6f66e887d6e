"""A gateway that is killed with SIGKILL at a step of a call's life keeps its promises: some cases of `make crash`."""

from pathlib import Path

import pytest
from tests.crash.campaign import run_all
from tests.crash.cases import Case, Kind, Transport

from ringfence.core.model.stop import ScopeKind
from ringfence.engine.steps import Step
from ringfence.testing.crashing import BEFORE_COMMIT, COMMITTED

SOME = (
    Case(Kind.READ, Step.JOURNAL),
    Case(Kind.WRITE, COMMITTED),
    Case(Kind.WRITE, Step.SENT, transport=Transport.STDIO),
    Case(Kind.ASK, Step.DURABLE),
    Case(Kind.CLAIM, BEFORE_COMMIT),
    Case(Kind.CLAIM, Step.SENT),
    Case(Kind.CLAIM, Step.REPLY),
    Case(Kind.HELD, Step.ANSWER),
    Case(Kind.VOTE, Step.VOTED),
    Case(Kind.KILL, COMMITTED, scope=ScopeKind.RUN),
    Case(Kind.KILL, Step.STOPPED),
)


@pytest.mark.requirement("I1", "I2", "I13", "I14")
async def test_a_killed_gateway_executes_nothing_unrecorded_or_twice_and_loses_no_ticket_or_kill(tmp_path: Path) -> None:
    verdicts = await run_all(SOME, tmp_path)
    assert {str(verdict.case): verdict.findings.all() for verdict in verdicts} == {str(case): [] for case in SOME}
    assert [str(verdict.case) for verdict in verdicts if not verdict.reached] == []
