"""`ringfence budget` against a real control socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.app.cli_kit import Office, office

from ringfence.core.model.agent import Limits
from ringfence.testing.scenario import shop_rules


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        opened.run(cap_calls(opened, 2))
        yield opened


async def cap_calls(at: Office, most: int) -> None:
    """From now on a run of `support` has so many calls."""
    catalogue = at.world.catalogue
    catalogue.replace(shop_rules(limits=Limits(calls_per_run=most)), catalogue.upstreams)
    await catalogue.ensure_listed()


def test_a_budget_is_shown_and_raised(at: Office) -> None:
    run = at("run", "start", "--agent", "support", "--task", "ticket 7", "--json").json
    for order in "ABC":
        at.run(at.world.call(run["credential"], "orders__get", {"order": order}))
    (meter,) = at("budget", "show", run["run"], "--json").json["meters"]
    assert (meter["used"], meter["cap"], meter["left"]) == (2, 2, 0)
    assert f"calls:run/{run['run']}:all" in at("budget", "show", run["run"]).out
    raised = at("budget", "raise", run["run"], "--calls", "+50", "--reason", "a longer list")
    assert raised.code == 0
    assert "2 of 52 used, 50 left (e" in raised.out
    assert at("budget", "raise", run["run"], "--calls", "+1", "--reason", "r", "--json").json["meter"]["added"] == 51
    told = at("budget", "history", run["run"]).out
    assert "+50" in told
    assert "a longer list" in told
    assert [each["by"] for each in at("budget", "history", "--agent", "support", "--json").json["raises"]] == ["1", "50"]


def test_a_raise_says_what_why_and_by_how_much(at: Office) -> None:
    run = at("run", "start", "--agent", "support", "--task", "ticket 7", "--json").json["run"]
    assert at("budget", "raise", run, "--calls", "+50").code == 2
    assert at("budget", "raise", run, "--reason", "r").code == 2
    assert at("budget", "raise", run, "--reason", "r", "--calls", "+1", "--rows", "+1").code == 2
    assert at("budget", "raise", run, "--reason", "r", "--meter", "x").code == 2
    for kind in ("rows", "spend", "tokens", "tokens-in", "tokens-out", "model-calls"):
        refused = at("budget", "raise", run, "--reason", "r", f"--{kind}", "+1")
        assert (refused.code, "has no meter" in refused.err) == (1, True), refused.err
    assert at("budget", "show").code == 2
    assert at("budget", "show", "r_none").code == 1
