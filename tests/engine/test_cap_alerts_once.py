"""Whatever a meter does, nothing of it is told twice, nothing that is over was not told, and what is remembered is bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.model.identifiers import AgentId, Digest, RunId
from ringfence.core.rules import Rules
from ringfence.engine.alerting.cap_alerts import CapAlerts
from ringfence.engine.alerting.nearing import Near
from ringfence.engine.alerting.telling import Telling
from ringfence.engine.alerting.told import MOST_OWNERS, MOST_TOLD, Owned, Told
from ringfence.engine.ids import Ids
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.fakes.notifier import FakeNotifier

RULES = Rules(digest=Digest("0" * 64), servers={}, tools={}, agents={})
AGENT, RUN = AgentId("a"), RunId("r_1")
METERS: tuple[str, ...] = ("spend:run/r_1:all", "sum:run/r_1:pay.x/amount", "spend:agent/a:all@3600s")
use = st.tuples(st.sampled_from(METERS), st.integers(-40, 60), st.integers(0, 90), st.integers(0, 20 * 60_000))
act = st.one_of(use, st.sampled_from(["raise", "end"]))


def alerts() -> tuple[CapAlerts, FakeNotifier, FakeClock]:
    clock, notifier = FakeClock(), FakeNotifier()
    return CapAlerts(Telling(notifier, Ids(FakeEntropy()), clock), clock.now()), notifier, clock


@given(st.lists(act, max_size=60))
def test_each_is_told_once_and_over_once(acts: Sequence[tuple[str, int, int, int] | str]) -> None:
    caps, notifier, clock = alerts()
    used, cap = dict.fromkeys(METERS, 0), dict.fromkeys(METERS, 100)
    for each in acts:
        if each == "raise":
            cap[METERS[0]] += 50
            caps.raised(METERS[0])
        elif each == "end":
            caps.forget(RUN)
        elif not isinstance(each, str):
            meter, by, asked, passed = each
            clock.advance(passed)
            before, used[meter] = used[meter], max(0, used[meter] + by)
            span = 3_600_000 if "@" in meter else 0
            near = Near(
                meter=meter, before=before, after=used[meter], cap=cap[meter], agent=AGENT, run=RUN, span=span, asked=asked
            )
            caps.used(near, RULES, clock.now())
    # A run ends once; here it may come back, so what was told before its end may be told again after it.
    if "end" not in acts:
        assert max(Counter(alert.id for alert in notifier.alerts if not alert.is_over).values(), default=0) <= 1
    open_now = Counter[str]()
    for alert in notifier.alerts:
        open_now[alert.condition] += -1 if alert.is_over else 1
        assert open_now[alert.condition] in (0, 1), alert


def test_what_is_remembered_is_bounded_and_the_oldest_gives_way() -> None:
    told = Told()
    first = told.of("spend:run/r_0:all")
    for number in range(1, MOST_OWNERS):
        told.of(f"spend:run/r_{number}:all")
    assert told.of("calls:run/r_0:all") is first
    told.of("spend:run/r_new:all")
    assert told.of("spend:run/r_0:all") is first
    owned = Owned()
    for number in range(MOST_TOLD + 5):
        assert owned.is_news(f"m:{number}", "m")
    assert len(owned.told) == MOST_TOLD
    assert not owned.is_news(f"m:{MOST_TOLD}", "m")
