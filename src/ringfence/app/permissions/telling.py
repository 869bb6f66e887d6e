"""One decided call of a client's own tool as a document, and the document as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import dedent
from typing import Any, Final

from ringfence.app.permissions.trial import Tried
from ringfence.app.policies.trial import asked_of
from ringfence.core.explaining.changes import Subject, smallest_change
from ringfence.core.explaining.meanings import meaning
from ringfence.core.model.local import LocalAct, PathUse
from ringfence.core.model.permissions import PermissionRule
from ringfence.core.model.profile import Effect, ToolProfile

MOST_PATHS: Final = 12
"""Of one act, for people; the document has all."""


def document(tried: Tried, groups: Mapping[str, frozenset[Any]]) -> dict[str, Any]:
    """All of it, as `--json` prints it."""
    judgement, decision = tried.judgement, tried.decision
    subject = Subject(agent=tried.call.agent, tool=tried.call.tool)
    return {
        "agent": tried.call.agent,
        "tool": tried.call.tool,
        "decision": decision.level.name.lower(),
        "reasons": [
            {
                "code": reason.code.value,
                "check": reason.check,
                "detail": reason.detail,
                "meaning": meaning(reason.code),
                "change": smallest_change(reason.code, subject).text,
                "at": smallest_change(reason.code, subject).path,
            }
            for reason in decision.reasons
        ],
        "asked": asked_of(decision, groups),
        "doubts": [{"kind": doubt.kind.value, "why": doubt.why} for doubt in judgement.doubts],
        "profile": _profile(judgement.profile),
        "acts": [_act(act, tried, number) for number, act in enumerate(judgement.acts)],
        "whole": [{"decision": one.level.name.lower(), "because": one.why} for one in tried.weighed.whole],
        "secrets": list(judgement.secrets),
        "tree": judgement.tree,
    }


def _act(act: LocalAct, tried: Tried, number: int) -> dict[str, Any]:
    return {
        "text": act.text,
        "through": list(act.via),
        "why": act.why,
        "known": act.is_known,
        "profile": _profile(act.profile),
        "paths": [_path(use) for use in act.paths],
        "hosts": list(act.hosts),
        "statements": list(act.statements),
        "doubts": [{"kind": doubt.kind.value, "why": doubt.why} for doubt in act.doubts],
        "decision": tried.weighed.acts[number].level.name.lower(),
        "because": tried.weighed.acts[number].why,
        "rule": _rule(tried.weighed.acts[number].rule),
    }


def _rule(rule: PermissionRule | None) -> dict[str, str] | None:
    return {"list": rule.listed.value, "text": rule.text, "source": rule.source} if rule is not None else None


def _profile(profile: ToolProfile) -> dict[str, Any]:
    return {
        "effect": profile.effect.value,
        "reversible": profile.reversible,
        "bounded": profile.bounded,
        "costs_money": profile.costs_money,
        "identity": profile.identity,
        "outbound": profile.outbound,
        "sensitivity": profile.sensitivity.value,
    }


def _path(use: PathUse) -> dict[str, Any]:
    return {"use": use.use.value, "path": use.path, "real": use.real, "below": use.below, "pattern": use.is_pattern}


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The document for people."""
    yield f"{told['decision'].upper()}  {told['tool']} by {told['agent']}"
    for need in told["asked"]:
        yield f"  would ask {need}"
    if told["tree"]:
        yield "how it is read"
        # What follows the empty line says of each act what is said below.
        yield from (f"  {line}" for line in dedent(told["tree"].partition("\n\n")[0]).splitlines())
    yield "what it does"
    for number, act in enumerate(told["acts"], start=1):
        yield from _act_lines(number, act)
    for one in told["whole"]:
        yield f"  all of it: {one['decision']}: {one['because']}"
    for secret in told["secrets"]:
        yield f"  a secret would go with it: {secret}"
    if told["reasons"]:
        yield "why"
    for reason in told["reasons"]:
        detail = f": {reason['detail']}" if reason["detail"] else ""
        yield f"  {reason['check']}: {reason['code']}{detail}"
    changes = {(reason["change"], reason["at"]): None for reason in told["reasons"]}
    for change, at in changes:
        yield f"smallest change: {change}" + (f" (at {at})" if at else "")


def _act_lines(number: int, act: Mapping[str, Any]) -> Iterator[str]:
    through = f"  (through {', '.join(act['through'])})" if act["through"] else ""
    yield f"  {number}. {act['text']}{through}"
    said = f"; {act['why']}" if act["why"] else ""
    yield f"     {_sentence(act['profile'])}{said}"
    for use in act["paths"][:MOST_PATHS]:
        real = f" = {use['real']}" if use["real"] and use["real"] != use["path"] else ""
        yield f"     {use['use']} {use['path']}{real}{' and all below it' if use['below'] else ''}"
    if len(act["paths"]) > MOST_PATHS:
        yield f"     and {len(act['paths']) - MOST_PATHS} more paths"
    for host in act["hosts"]:
        yield f"     reaches {host}"
    for statement in act["statements"]:
        yield f"     runs {statement}"
    for doubt in act["doubts"]:
        yield f"     not known ({doubt['kind']}): {doubt['why']}"
    yield f"     {act['decision']}: {act['because']}"


def _sentence(profile: Mapping[str, Any]) -> str:
    if profile["effect"] == Effect.READ.value:
        parts = ["reads"]
    else:
        parts = ["writes", "can be undone" if profile["reversible"] else "cannot be undone"]
        parts += [] if profile["bounded"] else ["without a bound"]
    parts += ["leaves the machine"] if profile["outbound"] else []
    parts += ["costs money"] if profile["costs_money"] else []
    parts += ["touches accounts or keys"] if profile["identity"] else []
    return ", ".join(parts)
