"""The call that `ringfence policy explain` is asked about: one from the log, or one that is spelled out."""

from __future__ import annotations

from urllib.parse import quote

from ringfence.app.cli.desk import Desk
from ringfence.app.cli.options import REFUSED
from ringfence.app.config.policies import zone_of
from ringfence.app.config.problems import nearest
from ringfence.app.policies.cases import moment
from ringfence.app.policies.simulation import again
from ringfence.app.policies.trial import Circumstances, Trial, Tried
from ringfence.core.model.identifiers import AgentId, ToolId
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import ConfigError, RequestError


def recorded_call(desk: Desk, trial: Trial, name: str) -> Tried:
    """A decision of the log, once more; as its run was opened by an operator and has used nothing."""
    entry = desk.ask("GET", f"/audit/{quote(name, safe='')}", offline=True)["entry"]
    if entry["kind"] != "decision":
        desk.fail(f"{name} is no decision on a call", "`ringfence audit query --kind decision` lists them", REFUSED)
    tried = again(entry, trial)
    if isinstance(tried, str):
        desk.fail(f"{name} cannot be replayed: {tried}", "", REFUSED)
    return tried


def stated_call(desk: Desk, trial: Trial, tool: str, agent: str | None, arguments: str, at: str) -> Tried:
    rules = trial.loaded.rules
    rule = rules.tools.get(ToolId(tool))
    if rule is None:
        desk.usage(f"`{tool}` is neither a configured tool nor an entry", "such as `payments.refund` or `e1042`")
    if agent is not None and AgentId(agent) not in rules.agents:
        desk.usage(f"there is no agent `{agent}`{nearest(agent, rules.agents)}")
    able = sorted(one.id for one in rules.agents.values() if one.may_see(rule.id))
    if agent is None and len(able) != 1:
        desk.usage(f"--agent is needed: {', '.join(able) or 'nobody'} may use {tool}")
    try:
        value = parse_strict(arguments.encode())
        moment_ = moment(at, zone_of(trial.loaded.policies.timezone))
    except (RequestError, ConfigError, ValueError) as error:
        desk.usage(str(error))
    if not isinstance(value, dict):
        desk.usage("--arguments is not a JSON object")
    return trial.decide(AgentId(agent or able[0]), rule.id, value, Circumstances(at=moment_))
