"""What an answer used, from what the answer says: as a whole, or event by event. What it does not say stays unknown.

A stream reports its usage twice: `message_start` has the prompt, `message_delta` has running totals to which nothing is added.
So the largest of each count is the count, in any order and however often an event is repeated: it never falls. What is still
unknown at the end counts as the worst: of an answer that cannot be read, all that the request could have used; of a stream that
was cut, what can have been made of it (`core.metering.unfinished`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfence.core.metering.alike import answer_in
from ringfence.core.metering.bound import Bound, worst_tokens
from ringfence.core.metering.observed import LONGEST_NAME, ToolResult, ToolUse, result_in, text_of, use_in
from ringfence.core.metering.request import CacheUse, ModelRequest
from ringfence.core.metering.tokens import CONTAINER, NONE, Tokens, Usage
from ringfence.core.metering.unfinished import Seen, most_made

MOST_COUNT: Final = 10**12
"""The largest count that is believed. A larger one is read as none, so the worst stands for it."""
MOST_SAMPLINGS: Final = 1000
MOST_TOOLS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What an answer has said so far. None: nothing."""

    model: str = ""
    plain: int | None = None
    written: int | None = None
    """Into the cache, for whatever time."""
    written_5m: int | None = None
    written_1h: int | None = None
    read: int | None = None
    output: int | None = None
    besides: tuple[tuple[str, Tokens], ...] = ()
    tools: tuple[tuple[str, int], ...] = ()
    fast: bool | None = None
    geo: str = ""
    batch: bool = False
    is_final: bool = False
    """Whether the totals are those of the whole answer."""

    @property
    def is_known(self) -> bool:
        """Whether nothing has to be assumed of the answer's own tokens."""
        return self.is_final and self.plain is not None and self.output is not None


UNKNOWN: Final = Reported()


@dataclass(frozen=True, slots=True)
class Settled:
    """What is charged, and whether it is what was reported."""

    usage: Usage
    is_exact: bool
    """False: the worst stands for something that was not said."""


def told(reported: Reported, usage: Any, model: str = "") -> Reported:
    """With one more `usage` object. Whatever cannot be read in it is left out."""
    if not isinstance(usage, dict):
        return replace(reported, model=reported.model or model[:LONGEST_NAME])
    split = usage.get("cache_creation")
    split = split if isinstance(split, dict) else {}
    speed = usage.get("speed")
    besides = _besides(usage.get("iterations"), reported.model or model)
    return replace(
        reported,
        model=reported.model or model[:LONGEST_NAME],
        plain=_most(reported.plain, usage.get("input_tokens")),
        written=_most(reported.written, usage.get("cache_creation_input_tokens")),
        written_5m=_most(reported.written_5m, split.get("ephemeral_5m_input_tokens")),
        written_1h=_most(reported.written_1h, split.get("ephemeral_1h_input_tokens")),
        read=_most(reported.read, usage.get("cache_read_input_tokens")),
        output=_most(reported.output, usage.get("output_tokens")),
        besides=besides if _sum(besides) >= _sum(reported.besides) else reported.besides,
        tools=_tools(reported.tools, usage.get("server_tool_use")),
        fast=reported.fast if speed is None else bool(reported.fast) or speed != "standard",
        geo=text_of(usage, "inference_geo", 40) or reported.geo,
        batch=reported.batch or usage.get("service_tier") == "batch",
    )


def ended(reported: Reported) -> Reported:
    """Nothing more will be said: the totals are those of the whole answer."""
    return replace(reported, is_final=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that is no stream, or one line of a batch's results."""

    reported: Reported
    stop_reason: str = ""
    uses: tuple[ToolUse, ...] = ()
    results: tuple[ToolResult, ...] = ()
    said: str = ""
    """A digest of its texts and tool uses, without the digits in them."""


def read_answer(value: Any) -> Answer:
    """What a parsed `message` says of itself. Nothing is known of what is none."""
    if not isinstance(value, dict) or value.get("type") != "message":
        return Answer(UNKNOWN)
    reported = told(UNKNOWN, value.get("usage"), text_of(value, "model", LONGEST_NAME))
    content = value.get("content")
    if content and reported.output == 0:
        reported = replace(reported, output=None)  # something was made, so nothing was counted
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    return Answer(
        ended(reported),
        text_of(value, "stop_reason", 60),
        tuple(use for block in blocks[:MOST_SAMPLINGS] if (use := use_in(block)) is not None),
        tuple(result for block in blocks[:MOST_SAMPLINGS] if (result := result_in(block)) is not None),
        answer_in(blocks),
    )


def settled(reported: Reported, request: ModelRequest, bound: Bound, seen: Seen | None = None) -> Settled:
    """What an answer is charged: what it reported, and the worst for what it did not.

    Of a request to which a model may have begun to answer. One that was refused before (a status of 400 or more) is charged
    nothing: `refused`. `seen`: what came of a stream besides; None: more may have come than was seen.
    """
    worst = worst_tokens(bound)
    reported = _believed(reported, seen)
    written = _split(reported, request)
    if reported.plain is None:
        prompt = worst  # no prompt was reported: its parts cannot be told apart either
    elif reported.is_final or _is_single(request, bound):
        prompt = replace(written, plain=reported.plain, read=reported.read or 0)
    else:
        # Further turns would have had prompts of their own.
        known = written.prompt + reported.plain + (reported.read or 0)
        unknown = max(worst.write_1h - known, 0)
        prompt = replace(written, plain=reported.plain, read=reported.read or 0, write_1h=written.write_1h + unknown)
    geo = reported.geo or request.geo
    usage = Usage(
        model=reported.model or request.model,
        tokens=replace(prompt, output=_output(reported, request, bound, seen)),
        besides=_besides_of(reported, bound),
        tools=_tools_of(reported, bound),
        fast=request.fast if reported.fast is None else reported.fast,
        # Of an answer that did not get to say where it was made, the dearer place.
        us_only=geo == "us" or (not geo and not reported.is_final),
        batch=reported.batch,
    )
    return Settled(usage, reported.is_known)


def _believed(reported: Reported, seen: Seen | None) -> Reported:
    """Servers that cannot count say 0. No prompt is empty, and nothing is made of no tokens: so nothing was said."""
    if reported.plain == 0 and not (reported.written or reported.read or reported.written_5m or reported.written_1h):
        reported = replace(reported, plain=None)
    if reported.output == 0 and seen is not None and (seen.size or seen.has_hidden):
        reported = replace(reported, output=None)
    return reported


def _output(reported: Reported, request: ModelRequest, bound: Bound, seen: Seen | None) -> int:
    counted, most = reported.output or 0, worst_tokens(bound).output
    if reported.is_final and reported.output is not None:
        return counted
    if seen is None or reported.plain is None or not _is_single(request, bound):
        return max(counted, most)
    return most_made(counted, seen, request, most)


def _is_single(request: ModelRequest, bound: Bound) -> bool:
    """Whether one model answers in one turn: there is one prompt, and what is made goes to the client."""
    return len(bound.samplings) == 1 and not (request.server_tools or request.mcp_servers or request.container)


def refused(request: ModelRequest) -> Settled:
    """Of a request that was answered with an error before anything was generated: the vendor bills nothing."""
    return Settled(Usage(model=request.model), is_exact=True)


def _split(reported: Reported, request: ModelRequest) -> Tokens:
    """What was written to the cache, by how long it is kept. What is not split is what the request asked for."""
    five, hour = reported.written_5m or 0, reported.written_1h or 0
    rest = max((reported.written or 0) - five - hour, 0)
    if request.cache is CacheUse.HOUR:
        return Tokens(write_5m=five, write_1h=hour + rest)
    return Tokens(write_5m=five + rest, write_1h=hour)


def _besides_of(reported: Reported, bound: Bound) -> tuple[tuple[str, Tokens], ...]:
    """Of an answer that ended, what it says; else at least what its other samplings could have used."""
    if reported.is_final:
        return reported.besides
    return tuple((each.model, Tokens(write_1h=each.prompt, output=each.output)) for each in bound.samplings[1:])


def _tools_of(reported: Reported, bound: Bound) -> Mapping[str, int]:
    """Uses as reported; of an answer that did not end, all that were reserved. A container is never reported."""
    uses = dict(reported.tools)
    for name, most in bound.tools:
        if name == CONTAINER or not reported.is_final:
            uses[name] = max(uses.get(name, 0), most)
    return {name: count for name, count in uses.items() if count}


_IN_TOTALS: Final = (None, "message", "fallback_message")
"""Kinds of samplings that the totals have, but for a message that gave way to a fallback."""


def _besides(iterations: Any, model: str) -> tuple[tuple[str, Tokens], ...]:
    """Samplings that the totals do not have: summaries, advisors, and attempts that gave way to a fallback."""
    entries = [each for each in iterations if isinstance(each, dict)] if isinstance(iterations, list) else []
    fell_back = any(each.get("type") == "fallback_message" for each in entries)
    found: list[tuple[str, Tokens]] = []
    for each in entries[:MOST_SAMPLINGS]:
        kind, own = each.get("type"), text_of(each, "model", LONGEST_NAME)
        # A kind that nobody knows may not be in the totals either.
        if kind not in _IN_TOTALS or (kind == "message" and fell_back and own not in ("", model)):
            split = each.get("cache_creation")
            split = split if isinstance(split, dict) else {}
            written = _most(0, each.get("cache_creation_input_tokens")) or 0
            five = min(_most(0, split.get("ephemeral_5m_input_tokens")) or 0, written)
            tokens = Tokens(
                plain=_most(0, each.get("input_tokens")) or 0,
                write_5m=five,
                write_1h=written - five,
                read=_most(0, each.get("cache_read_input_tokens")) or 0,
                output=_most(0, each.get("output_tokens")) or 0,
            )
            found.append((own or model, tokens))
    return tuple(found)


def _sum(besides: tuple[tuple[str, Tokens], ...]) -> int:
    return sum((tokens for _, tokens in besides), NONE).total


def _tools(known: tuple[tuple[str, int], ...], value: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, dict):
        return known
    uses = dict(known)
    for name, count in value.items():
        if (name in uses or len(uses) < MOST_TOOLS) and (most := _most(uses.get(name), count)) is not None:
            uses[name] = most
    return tuple(sorted(uses.items()))


def _most(known: int | None, value: Any) -> int | None:
    """The larger of what is known and what is said now."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_COUNT:
        return known
    return value if known is None else max(known, value)
