"""One look-alike run, played: every step has to be executed, with no more questions than it says itself."""

from __future__ import annotations

from ringfence.app.drills.approving import call_with_person
from ringfence.app.drills.case import Case
from ringfence.app.drills.outcome import TwinPlayed
from ringfence.app.drills.records import Twin
from ringfence.app.drills.stage import Stage


async def play_twin(stage: Stage, twin: Twin, case: Case) -> TwinPlayed:
    """Play a twin. Raises: UnavailableError where gateway or servers do not answer."""
    run, credential = await stage.people.open_run(case.deployment.name, case.deployment.task)
    allowed = sum(step.expect == "approve" for step in twin.steps)
    questions, why = 0, ""
    own = set(case.deployment.servers)
    before = sum(line.server in own for line in stage.player.executed())
    async with stage.agent(credential) as agent:
        for turn in case.turns:
            approves = turn.step.expect == "approve"
            answer, asked = await call_with_person(
                stage, agent, run, case.deployment.tool_id(turn.tool), turn.arguments, lambda _, yes=approves: yes
            )
            questions += asked
            if case.secret and case.secret in answer.text:
                why = why or f"{turn.tool}: its answer holds the credential"
            if answer.kind != "result":
                why = why or f"{turn.tool}: {answer.text}"
    executed = sum(line.server in own for line in stage.player.executed()) - before
    if not why and executed != len(case.turns):
        why = f"{executed} of {len(case.turns)} calls were executed"
    if not why and questions > allowed:
        why = f"{questions} questions, {allowed} expected"
    await stage.people.ask("POST", f"/runs/{run}/close", {"reason": "end of the drill"})
    return TwinPlayed(
        id=twin.id, domain=twin.domain, completed=not why, questions=questions, allowed_questions=allowed, why=why
    )
