"""What a client is told where a cap does not bear its request: which, whose, and who can raise it."""

from __future__ import annotations

import pytest
from tests.core.model_caps_kit import DAY, SUPPORT, an_agent, caps, chain_of, plan_for, rules_for

from ringfence.core.ledger.model_caps import model_charges
from ringfence.core.ledger.moves import reserve, settle
from ringfence.core.ledger.running_out import RanOut, ran_out, said_to_client, with_likely
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.meter import Charge, Meter, MeterKind
from ringfence.core.model.model_use import ModelLimits, ModelUse

SPEND, TOKENS = MeterKind.SPEND, MeterKind.TOKENS
USE = ModelUse(micro=600_000, tokens_in=70, tokens_out=30)
NOW = 1_000_000_000


def charged(
    limits: ModelLimits, *chain: str, everybody: ModelLimits | None = None, team: ModelLimits | None = None
) -> tuple[Charge, ...]:
    teams = {"care": team} if team else None
    rules = rules_for(an_agent(limits, team="care"), everybody=everybody, teams=teams)
    return tuple(model_charges(plan_for(rules), chain_of(rules, *(chain or ("r1",))), USE))


def used_once(charges: tuple[Charge, ...]) -> list[Meter | None]:
    return [settle(*reserve(None, charge, NOW), NOW) for charge in charges]


def out_of(charges: tuple[Charge, ...], *, used: bool = True) -> RanOut | None:
    return ran_out(charges, used_once(charges) if used else [None] * len(charges), NOW)


def test_a_request_that_fits_has_run_out_of_nothing() -> None:
    assert out_of(charged(caps((SPEND, 600_000))), used=False) is None


@pytest.mark.parametrize(
    ("limits", "chain", "said"),
    [
        (
            caps((SPEND, 1_000_000)),
            ("r1", "root"),
            "the cap on spend of this run (1) does not bear this request, which can use 0.6. "
            "An approver of agent support can raise it: ringfence budget raise r1 --spend +N",
        ),
        (
            caps((MeterKind.MODEL_CALLS, 1)),
            ("r1",),
            "the cap on model calls of this run (1) does not bear this request. "
            "An approver of agent support can raise it: ringfence budget raise r1 --model-calls +N",
        ),
        (
            caps((TOKENS, 150, DAY)),
            ("r1",),
            "the cap on tokens of agent support (150 in 1 day) does not bear this request, which can use 100. "
            "It frees with time; whoever configures the gateway can raise it",
        ),
        (caps(streams=0), ("r1",), "0 model calls at once are allowed; wait until one has ended"),
    ],
)
def test_it_says_what_ran_out_and_who_can_raise_it(limits: ModelLimits, chain: tuple[str, ...], said: str) -> None:
    out = out_of(charged(limits, *chain))
    assert out is not None
    assert said_to_client(out, SUPPORT, RunId("r1")) == said


def test_a_cap_of_a_run_above_is_raised_there() -> None:
    charges = charged(caps((SPEND, 1_000_000)), "r1", "root")
    meters = [None if ":run/r1:" in charge.meter else meter for charge, meter in zip(charges, used_once(charges), strict=True)]
    out = ran_out(charges, meters, NOW)
    assert out is not None
    assert "of a run above this one" in said_to_client(out, SUPPORT, RunId("r1"))
    assert "ringfence budget raise root --spend +N" in said_to_client(out, SUPPORT, RunId("r1"))


def test_of_several_the_one_that_lasts_longest_is_told() -> None:
    hour, day = 3_600_000, DAY
    both = charged(caps((SPEND, 1, hour), (SPEND, 2, day), streams=0))
    out = out_of(both)
    assert out is not None
    assert (out.window_ms, out.ends_by_itself) == (day, True)
    assert out.frees_at is not None
    assert out.frees_at > NOW
    out = out_of(charged(caps((SPEND, 1, hour), (TOKENS, 1))))
    assert out is not None
    assert (out.kind, out.ends_by_itself, out.frees_at) == (TOKENS, False, None)


def test_it_names_no_team_and_nobody_else() -> None:
    of_team = out_of(charged(caps(), team=caps((SPEND, 1, DAY))))
    of_all = out_of(charged(caps(), everybody=caps((SPEND, 1, DAY))))
    of_gateway = out_of(charged(caps(), everybody=caps((SPEND, 1))))
    assert of_team is not None
    assert of_all is not None
    assert of_gateway is not None
    assert "care" not in said_to_client(of_team, SUPPORT, RunId("r1"))
    assert "of this gateway (0.000001 in 1 day)" in said_to_client(of_all, SUPPORT, RunId("r1"))
    assert "--meter spend:run/r1:gateway/all --by +N" in said_to_client(of_gateway, SUPPORT, RunId("r1"))


def test_it_says_what_the_request_can_use_and_probably_will() -> None:
    out = out_of(charged(caps((SPEND, 1_000_000))))
    assert out is not None
    assert with_likely(out, None) == out
    said = said_to_client(with_likely(out, ModelUse(micro=80_000, tokens_in=7, tokens_out=3)), SUPPORT, RunId("r1"))
    assert "does not bear this request, which can use 0.6 (probably 0.08). " in said
