"""One benign task through a real gateway, with the person who gave it: they approve what the task asks for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from tests.drills.workload_data import Task

from ringfence.app.drills.approving import call_with_person
from ringfence.app.drills.case import Case
from ringfence.app.drills.stage import Stage


@dataclass(frozen=True, slots=True)
class Done:
    """How one task ended."""

    task: str
    domain: str
    completed: bool
    questions: int
    asked_about: tuple[str, ...]
    """What each question was about: the number of the step, its tool, and why."""
    why: str = ""


async def play_task(stage: Stage, task: Task, case: Case) -> Done:
    """Every step in order. It is complete when the servers executed exactly its steps, in order."""
    deployment = case.deployment
    run, credential = await stage.people.open_run(deployment.name, deployment.task)
    own = set(deployment.servers)
    before = sum(line.server in own for line in stage.player.executed())
    asked_about: list[str] = []
    why, questions = "", 0
    async with stage.agent(credential) as agent:
        for number, turn in enumerate(case.turns, 1):
            for more in task.more_words:
                if more.before_step == number:
                    await stage.people.done("POST", f"/runs/{run}/words", {"text": more.text})
            answer, asked = await call_with_person(
                stage, agent, run, deployment.tool_id(turn.tool), turn.arguments, lambda _: True
            )
            questions += asked
            if asked:
                entries = [entry for entry in await stage.people.entries(run) if entry["decision"] == "ask"]
                why_asked = [f"{one['code']} {one['detail']}".strip() for one in entries[-1]["body"]["reasons"]]
                asked_about.append(f"{number} {turn.tool} ({'; '.join(why_asked)})")
            if answer.kind != "result":
                why = why or f"step {number} {turn.tool}: {answer.text}"
    lines = [line for line in stage.player.executed() if line.server in own][before:]
    for turn, line in zip_longest(case.turns, lines):
        wanted = None if turn is None else (deployment.tool_id(turn.tool), turn.arguments)
        found = None if line is None else (f"{line.server}.{line.tool}", line.arguments)
        if wanted != found:
            why = why or f"executed {found}, wanted {wanted}"
    await stage.people.ask("POST", f"/runs/{run}/close", {"reason": "the task is done"})
    return Done(task.id, task.domain, not why, questions, tuple(asked_about), why)
