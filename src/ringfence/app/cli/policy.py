"""`ringfence policy check|test|explain|simulate`: policies tried out before they are in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.app.cli.options import REFUSED, As, AsJson, State

if TYPE_CHECKING:
    from ringfence.app.policies.trial import Trial, Tried

app = typer.Typer(
    no_args_is_help=True, help="Policies: check, test, explain, simulate. Nothing is put in force by any of these."
)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")]
PoliciesOption = Annotated[
    Path | None,
    typer.Option(
        "--policies", metavar="DIR", help="This folder of policies instead of the configured one.", show_default=False
    ),
]
AskServers = Annotated[
    bool, typer.Option("--ask-servers", help="Ask the configured servers for their tools, instead of reading pins.")
]
DEFAULT = Path("ringfence.yaml")


@app.command("check")
def check(
    config: ConfigOption = DEFAULT, policies: PoliciesOption = None, ask_servers: AskServers = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Hold the policies against the tools' own schemas, and say what they can read of each tool."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.policy_trial import trial_of
    from ringfence.app.policies.reading_list import about_tools

    desk = Desk(state, as_name, as_json)
    trial = trial_of(desk, config, policies, ask_servers=ask_servers)
    rules, compiled = trial.loaded.rules, trial.compiled
    if compiled.faults:
        desk.fail("\n".join(compiled.faults), "The calls that these concern would be denied.", REFUSED)
    named = about_tools(trial)
    unknown = [str(tool) for tool in trial.missing]
    count = len(rules.policies.policies) if rules.policies is not None else 0
    if as_json:
        digest = rules.policies.digest if rules.policies is not None else None
        return desk.print_json(
            {
                "ok": True,
                "policies": count,
                "digest": digest,
                "tools": named,
                "unknown": unknown,
                "warnings": list(trial.loaded.warnings),
            }
        )
    for warning in trial.loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    said = "1 policy" if count == 1 else f"{count} policies"
    typer.echo(f"good: {said} on {len(named)} of {len(rules.tools)} tools")
    for tool, about in named.items():
        typer.echo(f"{tool}: {', '.join(about['policies'])}")
        for name, kind in about["arguments"].items():
            typer.echo(f"  context.arguments.{name}: {kind}")
        for name, why in about["unavailable"].items():
            typer.echo(f"  {name} is not available: {why}")
    if unknown:
        typer.echo(f"not held against {', '.join(unknown)}: their definitions are not known", err=True)
    return None


@app.command("test")
def run_cases(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Else every *.test.yaml beside the policies.")
    ] = None,
    config: ConfigOption = DEFAULT, policies: PoliciesOption = None, ask_servers: AskServers = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Run the cases beside the policies: each is a call and what has to be decided."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.policy_trial import trial_of
    from ringfence.app.policies.cases import SUFFIX, read_cases, run_case
    from ringfence.errors import ConfigError

    desk = Desk(state, as_name, as_json)
    trial = trial_of(desk, config, policies, ask_servers=ask_servers)
    folder = policies or trial.loaded.policies.folder or trial.loaded.path.absolute().parent / "policies"
    paths = files or sorted(folder.glob(f"*{SUFFIX}"))
    if not paths:
        desk.fail(f"{folder}: there is no *{SUFFIX}", "write cases beside the policies: docs/policies.md shows how", REFUSED)
    try:
        results = [run_case(case, trial) for case in read_cases(paths)]
    except ConfigError as error:
        desk.fail(str(error), error.remedy, REFUSED)
    failed = [result for result in results if result.differences]
    if as_json:
        desk.print_json(
            {
                "ok": not failed,
                "cases": [
                    {
                        "file": str(one.case.file),
                        "name": one.case.fields["name"],
                        "ok": not one.differences,
                        "decision": one.decision,
                        "differences": list(one.differences),
                    }
                    for one in results
                ],
            }
        )
    else:
        for one in results:
            typer.echo(f"{'FAILED' if one.differences else 'ok'}  {one.case.fields['name']}: {one.decision}")
            for difference in one.differences:
                typer.echo(f"        {difference}")
        typer.echo(f"{len(results) - len(failed)} of {len(results)} cases hold")
    if failed:
        raise typer.Exit(REFUSED)


@app.command("explain")
def explain(
    call: Annotated[str, typer.Argument(metavar="CALL", help="A recorded call (e1042), or a tool `server.tool`.")],
    arguments: Annotated[str, typer.Option("--arguments", "-a", metavar="JSON", help="What the agent sends.")] = "{}",
    agent: Annotated[str | None, typer.Option("--agent", help="Who calls.", show_default=False)] = None,
    at: Annotated[str, typer.Option("--at", help='Local time: "23:30" or "2026-01-07 23:30".')] = "12:00",
    config: ConfigOption = DEFAULT, policies: PoliciesOption = None, ask_servers: AskServers = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Which policies are evaluated for one call, which of them forbid it, and what they could read."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.policy_calls import recorded_call, stated_call
    from ringfence.app.cli.policy_trial import trial_of

    desk = Desk(state, as_name, as_json)
    trial = trial_of(desk, config, policies, ask_servers=ask_servers)
    tried = (
        recorded_call(desk, trial, call)
        if call[:1] == "e" and call[1:].isdigit()
        else stated_call(desk, trial, call, agent, arguments, at)
    )
    answer = _explained(tried, trial)
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"{answer['tool']} by {answer['agent']}: {answer['decision']}")
    for reason in answer["reasons"]:
        detail = f" ({reason['detail']})" if reason["detail"] else ""
        typer.echo(f"  {reason['check']}: {reason['code']}{detail}")
    for need in answer["asked"]:
        typer.echo(f"  would ask {need}")
    if answer["fault"]:
        typer.echo(f"the policies could not be evaluated: {answer['fault']}")
    typer.echo("policies evaluated:" if answer["evaluated"] else "policies evaluated: none names this tool")
    for named in answer["evaluated"]:
        typer.echo(f"  {'FORBIDS' if named in answer['forbidding'] else 'silent '}  {named}")
    typer.echo(f"what they read: {json.dumps(answer['read'], ensure_ascii=False)}")
    return None


@app.command("simulate")
def simulate(
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="An export of a log; else the state's own.", show_default=False)
    ] = None,
    config: ConfigOption = DEFAULT, policies: PoliciesOption = None, ask_servers: AskServers = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Decide every recorded call again: which decisions would change, and who would have been asked."""
    from dataclasses import asdict

    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.policy_trial import exported, recorded, trial_of
    from ringfence.app.cli.terminal import console, safe, table
    from ringfence.app.policies.cases import local_text
    from ringfence.app.policies.simulation import simulate as run

    desk = Desk(state, as_name, as_json)
    trial = trial_of(desk, config, policies, ask_servers=ask_servers)
    found = run(exported(desk, log) if log is not None else recorded(desk), trial)
    if as_json:
        return desk.print_json(
            {
                "replayed": found.replayed,
                "changed": len(found.changes),
                "changes": [asdict(change) for change in found.changes],
                "skipped": [asdict(one) for one in found.skipped],
                "repeated": found.left_out,
                "faults": list(trial.compiled.faults),
            }
        )
    out = console()
    for fault in trial.compiled.faults:
        console(err=True).print(safe(fault, "bold red"), soft_wrap=True)
    if found.changes:
        rows = table("entry", "when", "tool", "before", "after", "would ask", "policies")
        for change in found.changes:
            before = f"{change.before} {', '.join(change.asked_before)}".strip()
            cells = (
                change.entry,
                local_text(change.at, trial.loaded.policies.timezone),
                change.tool,
                before,
                change.after,
                "; ".join(change.asked),
                ", ".join(change.policies),
            )
            rows.add_row(*(safe(cell) for cell in cells))
        out.print(rows)
    for one in found.skipped:
        out.print(safe(f"{one.entry} {one.tool} could not be replayed: {one.why}"), soft_wrap=True)
    said = f"{found.replayed} calls replayed, {len(found.changes)} would be decided otherwise"
    out.print(safe(f"{said}, {len(found.skipped)} could not be replayed"))
    return None


def _explained(tried: Tried, trial: Trial) -> dict[str, Any]:
    from ringfence.app.policies.reading_list import what_was_read
    from ringfence.app.policies.trial import asked_of
    from ringfence.core.policy.shard import Shard

    return {
        "tool": tried.call.tool,
        "agent": tried.call.agent,
        "decision": tried.decision.level.name.lower(),
        "reasons": [{"code": r.code.value, "check": r.check, "detail": r.detail} for r in tried.decision.reasons],
        "asked": asked_of(tried.decision, trial.loaded.rules.groups),
        "evaluated": sorted(p.named for p in tried.shard.policies.values()) if isinstance(tried.shard, Shard) else [],
        "forbidding": [policy.named for policy in tried.evaluation.forbidding],
        "fault": tried.evaluation.fault,
        "read": what_was_read(tried, trial),
    }
