"""The most that one request can use and cost, known before it is sent. This is what is reserved, so it must never be too small.

Why bytes bound tokens: a text is cut into tokens without gaps or overlap, and no token stands for less than one byte of UTF-8.
JSON text is never shorter than what it says: a plain character is itself, an escape takes more bytes than what it stands for.
So the bytes of a body, without what images and PDFs hold in base64, are at least the tokens of its texts. What the vendor adds
by itself (roles, the prompt that explains tools) is less than the punctuation around it in JSON, plus `overhead` once. What it
may write longer than JSON does is added where the request is read: letters that become several (`core.metering.letters`), the
parameters of tool uses, definitions that are referred to.

What bytes do not bound has a stated most: an image; a document, a file and a page from elsewhere (a whole context, unless the
operator states less). An answer with server tools, compaction or fallbacks takes several samplings, each within one context.

Thinking text that an answer only summarised comes back as a signature that is longer than it; that is the vendor's practice,
not a rule. The context of the model bounds it in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.metering.prices import PER, Price, Prices
from ringfence.core.metering.request import ModelRequest, ServerTool
from ringfence.core.metering.tokens import CONTAINER, WEB_FETCH, WEB_SEARCH, Tokens

LONGEST_CONTEXT: Final = 1_000_000
"""Tokens, where a model's own is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """What is taken as the most where a request does not say. Tokens, unless said."""

    overhead: int = 4096
    """What the vendor adds to a prompt once: explanations of tools, of thinking, of the date."""
    per_server_tool: int = 8192
    """What the vendor adds for each tool that it runs itself."""
    image: int = 5000
    """The vendor's largest is 4784 (2576 pixels on the long edge); smaller models take less."""
    document: int | None = None
    """A PDF. None: as much as the model takes."""
    remote: int | None = None
    """A file or page from elsewhere. None: as much as the model takes."""
    uses: int = 10
    """Uses of one server tool that a request does not bound. The vendor pauses an answer after ten."""
    says: int = 128_000
    """What an advisor, or a summary, says at most."""
    refuses_unbounded: bool = False
    """Refuse what only the model's context bounds, instead of reserving for it."""


DEFAULTS: Final = Allowances()


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a model takes in and gives out at most, over all its turns within one request."""

    model: str
    prompt: int
    output: int
    fast: bool = False
    longest: int = 0
    """The longest prompt of one turn, on which rates depend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The most that one request uses and costs."""

    samplings: tuple[Sampling, ...]
    """The first one is that of the model which was asked."""
    tools: tuple[tuple[str, int], ...] = ()
    micro: int
    """Micro-dollars."""

    @property
    def prompt(self) -> int:
        """Tokens taken in, over all samplings."""
        return sum(each.prompt for each in self.samplings)

    @property
    def output(self) -> int:
        return sum(each.output for each in self.samplings)

    @property
    def tokens(self) -> int:
        return self.prompt + self.output


@dataclass(frozen=True, slots=True)
class Unbounded:
    """There is no upper bound that a rule accepts, so it is not sent. For people."""

    why: str


def bound_of(request: ModelRequest, prices: Prices, allowances: Allowances = DEFAULTS) -> Bound | Unbounded:
    """The most that a request can use and cost."""
    if allowances.refuses_unbounded and (why := _unbounded(request, allowances)):
        return Unbounded(why)
    output = max(request.max_tokens, request.thinking)
    turns = 1 + sum(_uses(tool, allowances) for tool in request.server_tools) + (len(request.mcp_servers) > 0) * allowances.uses
    samplings: list[Sampling] = []
    asked = [(request.model, output, request.fast)]
    asked += [(each.model, max(each.max_tokens, request.thinking), each.fast or request.fast) for each in request.fallbacks]
    if request.fallbacks_unknown:
        asked.append(("", output, request.fast))  # no model has this name: the dearest one, or refused
    for model, most, fast in asked:
        price = prices.of(model)
        if price is None:
            return Unbounded(f"the model `{model}` has no price")
        samplings.append(_sampling(model, request, price, allowances, turns, most, fast))
    if request.compacts:
        # Before each turn, and of no more than the context that is closed.
        first = samplings[0]
        samplings.append(Sampling(first.model, first.longest * turns, allowances.says * turns, first.fast, first.longest))
    for tool in request.server_tools:
        if tool.kind == "advisor" or tool.model:
            price = prices.of(tool.model)
            if price is None:
                return Unbounded(f"the model `{tool.model}` has no price")
            uses, context = _uses(tool, allowances), price.context or LONGEST_CONTEXT
            says = allowances.says if tool.max_tokens is None else tool.max_tokens
            samplings.append(Sampling(tool.model, context * uses, says * uses, request.fast, context))
    tools = tuple(_tools(request, allowances))
    micro = sum(_micro(each, prices, request.geo) for each in samplings) + sum(
        uses * prices.of_tool(name) for name, uses in tools
    )
    return Bound(samplings=tuple(samplings), tools=tools, micro=micro)


def _sampling(
    model: str, request: ModelRequest, price: Price, allowances: Allowances, turns: int, most: int, fast: bool
) -> Sampling:
    context = price.context or LONGEST_CONTEXT
    document = context if allowances.document is None else allowances.document
    remote = context if allowances.remote is None else allowances.remote
    prompt = (
        request.text_bytes
        + allowances.overhead
        + allowances.per_server_tool * (len(request.server_tools) + len(request.mcp_servers))
        + allowances.image * request.images
        + document * request.documents
        + remote * request.remote
    )
    if turns > 1:
        prompt = max(prompt, context)  # what tools return is part of the next turn's prompt
    if price.context:
        prompt = min(prompt, price.context)
    return Sampling(model, prompt * turns, most * turns, fast, prompt)


def _uses(tool: ServerTool, allowances: Allowances) -> int:
    return allowances.uses if tool.most is None else tool.most


def _tools(request: ModelRequest, allowances: Allowances) -> list[tuple[str, int]]:
    uses: dict[str, int] = {}
    for tool in request.server_tools:
        name = {"web_search": WEB_SEARCH, "web_fetch": WEB_FETCH}.get(tool.kind)
        if name is not None:
            uses[name] = uses.get(name, 0) + _uses(tool, allowances)
    if request.container or any(tool.kind == "code_execution" for tool in request.server_tools):
        uses[CONTAINER] = 1
    return sorted(uses.items())


def _micro(sampling: Sampling, prices: Prices, geo: str) -> int:
    price = prices.of(sampling.model)
    assert price is not None  # INVARIANT: who made the sampling looked
    rates = price.dearest_rates(sampling.longest, fast=sampling.fast)
    percent = 100 if geo == "global" else price.us_percent
    return -(-(sampling.prompt * rates.dearest_input + sampling.output * rates.output) * percent // (PER * 100))


def _unbounded(request: ModelRequest, allowances: Allowances) -> str:
    if request.remote and allowances.remote is None:
        return "it names files or pages whose size is not known"
    if request.documents and allowances.document is None:
        return "it holds a document whose pages cannot be counted"
    if request.mcp_servers:
        return "it lets the vendor connect to servers"
    if any(tool.most is None and tool.kind not in _UNCOUNTED for tool in request.server_tools):
        return "a server tool may be used any number of times"
    return ""


_UNCOUNTED: Final = frozenset({"code_execution", "tool_search_tool_regex", "tool_search_tool_bm25", "mcp_toolset"})
"""Server tools that take no `max_uses`."""


def worst_tokens(bound: Bound) -> Tokens:
    """The most of the model that was asked, as tokens: what stands for an answer of which nothing is known.

    Prompts are counted as written to the cache for an hour, which is the dearest that can become of them.
    """
    first = bound.samplings[0]
    return Tokens(write_1h=first.prompt, output=first.output)


def most_output(request: ModelRequest, prices: Prices, micro: int, allowances: Allowances = DEFAULTS) -> int | None:
    """The largest `max_tokens` up to the request's own with which it fits into so much money; None: not even one token does.

    Only for requests of a single turn by a single model; others are not made smaller.
    """
    bound = bound_of(request, prices, allowances)
    if isinstance(bound, Unbounded):
        return None
    if bound.micro <= micro:
        return request.max_tokens
    if len(bound.samplings) != 1 or bound.tools or request.server_tools or request.mcp_servers:
        return None
    price = prices.of(request.model)
    assert price is not None  # INVARIANT: `bound_of` found it
    first = bound.samplings[0]
    rates = price.dearest_rates(first.longest, fast=first.fast)
    percent = 100 if request.geo == "global" else price.us_percent
    left = micro * PER * 100 - first.prompt * rates.dearest_input * percent
    fits = left // (rates.output * percent) if rates.output else request.max_tokens
    least = max(1, request.thinking + 1 if request.thinking else 1)
    return min(fits, request.max_tokens) if left > 0 and fits >= least else None
