"""Interleaved rounds: each measures every target at every concurrency, in an order that turns from round to round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.driver import measure
from bench.figures import LEVELS, Sample, percentile
from bench.targets import Target


@dataclass(frozen=True, slots=True)
class Plan:
    """How long everything takes."""

    rounds: int
    seconds: float
    """Of one window."""
    warm_s: float
    """Before each, not counted."""


async def sample(target: Target, level: int, plan: Plan) -> Sample:
    """One window. Raises: BenchFault."""
    clients = target.clients[:level]
    window = await measure(clients, plan.seconds, plan.warm_s, target.process.cpu_s)
    in_ms = [latency * 1000 for latency in window.latencies_s]
    return Sample(window.calls, window.seconds, percentile(in_ms, 50), percentile(in_ms, 99), window.cpu_s)


async def play(targets: Sequence[Target], plan: Plan, tell: Callable[[str], None]) -> dict[str, list[dict[int, Sample]]]:
    """The samples of each target, by name: one mapping a round. Raises: BenchFault, naming the target."""
    found: dict[str, list[dict[int, Sample]]] = {target.name: [] for target in targets}
    for number in range(plan.rounds):
        turn = number % len(targets)
        ordered = [*targets[turn:], *targets[:turn]]
        for target in ordered:
            found[target.name].append({})
        for level in LEVELS:
            for target in ordered:
                found[target.name][-1][level] = await sample(target, level, plan)
        tell(f"round {number + 1} of {plan.rounds}")
    return found
