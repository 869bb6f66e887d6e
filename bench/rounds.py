"""Interleaved rounds: each measures every target at every concurrency, in an order that turns from round to round."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bench.driver import BenchFault, measure
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


async def play(
    targets: Sequence[Target], plan: Plan, tell: Callable[[str], None], *, may_fail: Collection[str] = ()
) -> tuple[dict[str, list[dict[int, Sample]]], dict[str, str]]:
    """The samples of each target, by name: one mapping a round. Those that may fail and did are left out: by name, why.

    Raises: BenchFault, where another one fails.
    """
    found: dict[str, list[dict[int, Sample]]] = {target.name: [] for target in targets}
    failed: dict[str, str] = {}
    for number in range(plan.rounds):
        turn = number % len(targets)
        ordered = [*targets[turn:], *targets[:turn]]
        for samples in found.values():
            samples.append({})
        for level in LEVELS:
            for target in ordered:
                if target.name in failed:
                    continue
                try:
                    found[target.name][-1][level] = await sample(target, level, plan)
                except BenchFault as fault:
                    if target.name not in may_fail:
                        raise BenchFault(f"{target.name} at concurrency {level}: {fault}") from fault
                    failed[target.name] = f"at concurrency {level}: {fault}"[:300]
                    del found[target.name]
        tell(f"round {number + 1} of {plan.rounds}")
    return found, failed
