"""The tasks of the benign workload as cases that the drills' stage can play."""

from __future__ import annotations

from tests.drills.workload_data import Task, Tool

from ringfence.app.drills.case import Case, Turn
from ringfence.app.drills.deployment import DeployedTool, Deployment
from ringfence.app.drills.records import Step


def case_of_task(task: Task, name: str) -> Case:
    """A task as a case; `name` is its agent's, unique behind one gateway."""
    turns = tuple(
        Turn(
            Step(tool=step.tool, args=dict(step.arguments), result="", expect="allow"),
            step.tool,
            dict(step.arguments),
            step.result if isinstance(step.result, str) else dict(step.result),
        )
        for step in task.steps
    )
    deployment = Deployment(
        name=name,
        task=task.task,
        tools=tuple(deployed(tool) for tool in task.tools.values()),
        agent={"provenance": dict(task.provenance)} if task.provenance else {},
    )
    return Case(task.id, deployment, turns)


def deployed(tool: Tool) -> DeployedTool:
    return DeployedTool(
        tool.name, tool.description, dict(tool.input_schema), dict(tool.profile),
        output=None if tool.output_schema is None else dict(tool.output_schema),
    )  # fmt: skip
