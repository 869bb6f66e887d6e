"""`ringfence signal` against a real control socket."""

from __future__ import annotations

from tests.app.cli_kit import Office, office

from ringfence.core.model.agent import Limits
from ringfence.core.model.stop_when import StopWhen
from ringfence.testing.scenario import shop_rules


async def listen(at: Office, *signals: str) -> None:
    """From now on the agents listen to these."""
    catalogue = at.world.catalogue
    catalogue.replace(shop_rules(limits=Limits(stop_when=StopWhen(signals=frozenset(signals)))), catalogue.upstreams)
    await catalogue.ensure_listed()


def test_a_signal_pauses_and_says_how_to_let_go_on() -> None:
    with office() as at:
        at.run(listen(at, "incident"))
        run = at("run", "start", "--agent", "support", "--task", "ticket 7", "--json").json["run"]
        sent = at("signal", "send", "incident", "--run", run, "--reason", "paged")
        assert sent.code == 0
        assert f"in force: pause of run {run}" in sent.out
        assert "ringfence resume s_" in sent.out
        assert "signal incident: paged" in at("run", "show", run).out.replace("\n", " ")
        (stop,) = at("stops", "--json").json["stops"]
        assert at("resume", stop["id"]).code == 0


def test_a_signal_that_nobody_listens_to_and_two_targets_are_refused() -> None:
    with office() as at:
        at.run(listen(at, "incident"))
        assert at("signal", "send", "storm").code == 1
        assert at("signal", "send", "incident", "--run", "r_1", "--agent", "support").code == 2
        assert at("stops", "--json").json["stops"] == []
