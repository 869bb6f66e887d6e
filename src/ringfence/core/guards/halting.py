"""Which run a halt is of."""

from __future__ import annotations

from ringfence.core.ledger.moves import refusal, run_of
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.meter import MeterKind


def halted_run(facts: Facts) -> RunId:
    """The topmost run whose actions are used up, so that its other children stop with it; else the one that called."""
    short = {
        run_of(charge.meter)
        for charge, meter in zip(facts.charges, facts.meters, strict=True)
        if charge.kind is MeterKind.ACTIONS and refusal(meter, charge, facts.now) is not None
    }
    return next((link.run.id for link in reversed(facts.chain) if link.run.id in short), facts.chain[0].run.id)
