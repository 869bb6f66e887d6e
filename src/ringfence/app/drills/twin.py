"""One look-alike run, played: every step has to be executed, with no more questions than it says itself."""

from __future__ import annotations

import asyncio

from ringfence.app.drills.approving import call_with_person
from ringfence.app.drills.case import MODEL, Case
from ringfence.app.drills.outcome import TwinPlayed
from ringfence.app.drills.records import Twin
from ringfence.app.drills.stage import Stage


async def play_twin(stage: Stage, twin: Twin, case: Case) -> TwinPlayed:
    """Play a twin. Raises: UnavailableError where gateway or servers do not answer."""
    run, credential = await stage.people.open_run(case.deployment.name, case.deployment.task)
    allowed = sum(step.expect == "approve" for step in twin.steps)
    questions, why = 0, ""
    before = sum(case.is_own(line.server) for line in stage.player.executed())
    asker = stage.asker(credential)
    async with stage.agent(credential) as agent:
        for turn in (one for one in case.turns for _ in range(one.step.repeat)):
            await asyncio.sleep(turn.step.rest_ms / 1000)
            approves = turn.step.expect == "approve"
            if turn.step.event == MODEL:
                answer = await asker.ask(case.model_of(turn), str(turn.arguments["say"]))
            else:
                answer, asked = await call_with_person(
                    stage, agent, run, case.deployment.tool_id(turn.tool), turn.arguments, lambda _, yes=approves: yes
                )
                questions += asked
            if case.secret and case.secret in answer.text:
                why = why or f"{turn.tool}: its answer holds the credential"
            if answer.kind != "result":
                why = why or f"{turn.tool}: {answer.text}"
    executed = sum(case.is_own(line.server) for line in stage.player.executed()) - before
    sent = sum(turn.step.repeat for turn in case.turns)
    if not why and executed != sent:
        why = f"{executed} of {sent} calls were executed"
    if not why and questions > allowed:
        why = f"{questions} questions, {allowed} expected"
    await stage.people.ask("POST", f"/runs/{run}/close", {"reason": "end of the drill"})
    return TwinPlayed(
        id=twin.id, domain=twin.domain, completed=not why, questions=questions, allowed_questions=allowed, why=why
    )
