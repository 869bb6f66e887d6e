"""One case to be played: a deployment and the steps, made from a record, a twin, or whatever else has steps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.app.drills.deployment import KNOWN_VARIABLE, DeployedTool, Deployment
from ringfence.app.drills.minting import KNOWN, filled, mint
from ringfence.app.drills.play import Line, Play, PlayedTool, Reply, of_model
from ringfence.app.drills.records import Deployed, Record, Step, Twin
from ringfence.app.drills.schemas import schema_of

MODEL: Final = "model"
"""The event of a step that asks a model."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One step as it is played. Names are those of the case's own deployment."""

    step: Step
    tool: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any] | str


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    deployment: Deployment
    turns: tuple[Turn, ...]
    secret: str = ""
    """The value of `KNOWN_VARIABLE`, where the case needs one."""
    domain: str = ""
    containable: str = ""

    def plays(self) -> dict[str, Play]:
        """What each server shows and answers, by its id behind the gateway."""
        return {server: self._play(server) for server in self.deployment.servers}

    @property
    def models(self) -> dict[str, str]:
        """What each model answers that the case asks, by the name that it has behind the gateway."""
        asked = [turn for turn in self.turns if turn.step.event == MODEL]
        return {self.model_of(turn): turn.result if isinstance(turn.result, str) else "" for turn in asked}

    def model_of(self, turn: Turn) -> str:
        """The model of a step that asks one: each case has its own."""
        return f"{self.deployment.name}.{turn.arguments['model']}"

    def is_own(self, server: str) -> bool:
        """Whether what a server, or a model, executed belongs to the case."""
        return server in self.deployment.servers or server in {of_model(model) for model in self.models}

    def _play(self, server: str) -> Play:
        own = self.deployment.tool_id
        tools = tuple(
            PlayedTool(tool.id.partition(".")[2], tool.description, tool.schema, tool.output)
            for tool in self.deployment.tools
            if own(tool.id).startswith(f"{server}.") and tool.schema
        )
        lines = tuple(
            Line(turn.tool.partition(".")[2], turn.arguments, Reply(turn.result))
            for turn in self.turns
            if own(turn.tool).startswith(f"{server}.")
        )
        return Play(tools, lines)


def case_of(source: Record | Twin, name: str, seed: int) -> Case:
    """A record or a twin as a case.

    Args:
        name: The agent's name, unique among the cases behind one gateway.
        seed: Of the credentials that are made up.
    """
    deployed = source.deployment
    minted = mint(deployed.secrets, seed)
    turns = tuple(Turn(step, step.tool, filled(step.args, minted), filled(step.result, minted)) for step in source.steps)
    known = [minted[placeholder] for placeholder, kind in deployed.secrets.items() if kind == KNOWN]
    uses_known = bool(known) or KNOWN_VARIABLE in json.dumps(deployed.tools)
    deployment = Deployment(
        name=name,
        task=deployed.task,
        tools=tuple(_tool(tool, deployed, turns) for tool in deployed.tools),
        agent=deployed.agent,
        knows_secret=bool(known),
        asks_models=any(turn.step.event == MODEL for turn in turns),
    )
    secret = known[0] if known else mint({"": KNOWN}, seed)[""] if uses_known else ""
    containable = source.containable if isinstance(source, Record) else ""
    return Case(source.id, deployment, turns, secret, source.domain, containable)


def _tool(tool: str, deployed: Deployed, turns: tuple[Turn, ...]) -> DeployedTool:
    described = [turn.step.changes.description for turn in turns if turn.step.changes and turn.step.changes.tool == tool]
    calls = [turn.arguments for turn in turns if turn.tool == tool and not turn.step.event]
    return DeployedTool(
        id=tool,
        description=described[0] if described else f"{tool.partition('.')[2].replace('_', ' ').capitalize()}.",
        schema=schema_of(calls),
        profile=deployed.tools[tool],
        exposed=tool not in deployed.unneeded,
    )
