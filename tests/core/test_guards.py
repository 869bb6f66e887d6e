"""Runs that get nowhere are found, whatever goes round in them; runs that work or wait are left alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.guards.burn import MINUTE, MOST_MINUTES, Spending, burn, burned
from ringfence.core.guards.likeness import likeness_of, words_likeness
from ringfence.core.guards.repetition import MEMORY
from ringfence.core.guards.watching import TreeWatch, Watch, tree_watched, watched
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.guards import MICRO, NO_GUARDS, Burning, Guard, GuardRules, Repeats, Sign, SignStep
from ringfence.core.model.profile import Authority, Effect, Role, ToolProfile

RULES = GuardRules()
Did = tuple[Deed, int]
"""A deed, and the milliseconds of rest after it."""


def tool(
    call: str = "a", result: str = "r", *, like: str = "", what: str = "jobs.status", lasts: int = 5, **more: bool
) -> Deed:
    return Deed(
        kind=DeedKind.TOOL, began=0, ended=lasts, what=what, call=call, likeness=like or call, result=result, **more
    )  # fmt: skip


def model(given: str = "g", answer: str = "a", *, lasts: int = 20_000, failed: bool = False, micro: int = 0) -> Deed:
    return Deed(
        kind=DeedKind.MODEL, began=0, ended=lasts, what="claude", call=given, likeness=given, result=answer, failed=failed,
        micro=micro,
    )  # fmt: skip


def handover(text: str) -> Deed:
    return Deed(
        kind=DeedKind.HANDOVER, began=0, ended=5, what="ringfence.delegate", call=text, likeness=text, result="returned"
    )


def signs(deeds: Iterable[Did], rules: GuardRules = RULES) -> list[tuple[int, Sign]]:
    """What is told, each with the place of the deed that led to it. After a pause nothing comes any more."""
    watch, tree, now, found = Watch(), TreeWatch(), 1_000_000, list[tuple[int, Sign]]()
    for place, (deed, rest) in enumerate(deeds, start=1):
        at = replace(deed, began=now, ended=now + deed.ended)
        watch, own = watched(watch, at, rules)
        tree, of_tree = tree_watched(tree, at, rules)
        found += [(place, sign) for sign in (*own, *of_tree)]
        if any(sign.step is SignStep.PAUSE for sign in (*own, *of_tree)):
            break
        now = at.ended + rest
    return found


def pause(deeds: Iterable[Did], rules: GuardRules = RULES) -> tuple[int, Guard] | None:
    found = [(place, sign.guard) for place, sign in signs(deeds, rules) if sign.step is SignStep.PAUSE]
    return found[0] if found else None


CIRCLES: dict[str, tuple[list[Did], Guard, int]] = {
    "the same call": ([(tool(), 100)] * 100, Guard.IDENTICAL, 21),
    "two calls in turn": ([(tool("a"), 100), (tool("b"), 100)] * 50, Guard.IDENTICAL, 22),
    "a counter that rises": ([(tool(str(n), like="c"), 50) for n in range(100)], Guard.ALIKE, 41),
    "a tool that fails, with other arguments": (
        [(tool(str(n), f"error {n}", failed=True), 50) for n in range(50)],
        Guard.FAILING,
        20,
    ),
    "a tool that fails, with looks at what is known": (
        [step for n in range(50) for step in ((tool(str(n), f"e{n}", failed=True), 50), (tool("ls", what="fs.list"), 5))],
        Guard.FAILING,
        41,
    ),
    "a slow model that is given and says the same": ([(model(), 10)] * 30, Guard.NO_PROGRESS, 13),
    "two agents of one process that speak in turn": (
        [(model("add more", "v"), 10), (model("check v", "incomplete"), 10)] * 20,
        Guard.NO_PROGRESS,
        14,
    ),
    "a model that fails": ([(model(f"g{n}", "overloaded", failed=True, lasts=100), 10) for n in range(30)], Guard.FAILING, 20),
    "work that is handed to and fro": ([(handover("verify"), 100), (handover("add more"), 100)] * 30, Guard.PING_PONG, 26),
}


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("name", CIRCLES)
def test_a_run_that_goes_in_circles_is_paused_after_so_many(name: str) -> None:
    deeds, guard, most = CIRCLES[name]
    assert pause(deeds) == (most, guard)


@pytest.mark.parametrize("name", CIRCLES)
def test_a_warning_comes_first_and_only_once(name: str) -> None:
    deeds, guard, most = CIRCLES[name]
    mine = [(place, sign.step) for place, sign in signs(deeds) if sign.guard is guard]
    assert [step for _, step in mine] == [SignStep.WARN, SignStep.PAUSE]
    assert mine[0][0] < most


POLL = (tool("status", "running"), 6_000)
WORK: dict[str, list[Did]] = {
    "a status that is asked at a calm pace": [POLL] * 500,
    "a status of a tool that is asked again and again": [(tool("status", "running", waits=True), 200)] * 500,
    "a model that looks at a status, for hours": [
        step for _ in range(500) for step in ((model("running", "look again", lasts=8_000), 5), POLL)
    ],
    "a model that looks at a tool that is asked again and again": [
        step
        for _ in range(500)
        for step in ((model("running", "look again", lasts=8_000), 5), (tool("status", "running", waits=True), 200))
    ],
    "a model with two small ones beside it, at a calm pace": [
        step
        for _ in range(300)
        for step in ((model("running", "look", lasts=4_000), 5), (model("title?", "same", lasts=600), 5), POLL)
    ],
    "a status that changes": [(tool("status", f"{n} %"), 100) for n in range(500)],
    "a model that is told a percentage": [(model(f"{n} %", "look again", lasts=900), 5) for n in range(500)],
    "a batch of documents, all of them yes": [(model(f"document {n}", "yes", lasts=500), 0) for n in range(1000)],
    "one prompt, answered differently": [(model("prompt", f"answer {n}", lasts=500), 0) for n in range(500)],
    "ids in a row, all of them done": [(tool(f"id {n}", "done"), 5) for n in range(500)],
    "pages of a list": [(tool(f"page {n}", f"rows {n}", like="page"), 5) for n in range(500)],
    "a test that fails until it is mended": [
        step
        for n in range(60)
        for step in ((tool("test", f"e{n}", what="sh.test", failed=True), 5), (tool(f"edit {n}", "ok", what="fs.edit"), 5))
    ],
    "a service that is down, asked every minute": [(tool("get", "refused", failed=True), 60_000)] * 300,
    "a tree as wide as it may be": [(handover("audit a file"), 10)] * 20,
    "children that find something": [
        step for n in range(100) for step in ((handover("go on"), 5), (handover(f"found {n}"), 5))
    ],
}


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("name", WORK)
def test_a_run_that_works_or_waits_is_never_paused(name: str) -> None:
    assert pause(WORK[name]) is None


@given(st.integers(1, MEMORY), st.integers(2, 40))
def test_a_round_of_any_length_that_is_remembered_is_found(length: int, most: int) -> None:
    rules = replace(NO_GUARDS, identical=replace(Repeats(1, 2), warn=1, pause=most))
    deeds = [(tool(chr(0x4E00 + place)), 0) for place in range(length)] * (2 + most)
    assert pause([(replace(deed, ended=0), rest) for deed, rest in deeds], rules) == (length + most, Guard.IDENTICAL)


_KINDS = (tool("a"), tool("b", like="b"), tool("c", failed=True), model("x"), model("y", failed=True))


@given(st.lists(st.tuples(st.sampled_from(_KINDS), st.integers(5_000, 60_000), st.integers(0, 90_000)), max_size=120))
def test_whoever_rests_for_the_spacing_before_each_deed_is_never_paused(did: list[tuple[Deed, int, int]]) -> None:
    assert signs([(replace(deed, ended=lasts), rest) for deed, rest, lasts in did]) == []


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.integers(0, 5)), max_size=150))
def test_a_run_that_is_given_something_new_each_time_is_never_paused(did: list[tuple[bool, int, int]]) -> None:
    deeds = [
        (model(f"given {n}", f"answer {n}", lasts=lasts) if asks else tool(f"call {n}", f"result {n}", lasts=lasts), rest)
        for n, (asks, lasts, rest) in enumerate(did)
    ]
    assert signs(deeds) == []


@given(st.sampled_from(_KINDS), st.integers(0, 200), st.integers(0, 60_000))
def test_a_deed_that_is_repeated_without_rest_is_always_paused_in_time(deed: Deed, rest: int, lasts: int) -> None:
    duration = lasts if deed.kind is DeedKind.MODEL else min(lasts, 200)
    found = pause([(replace(deed, ended=duration), rest)] * 60)
    assert found is not None
    assert found[0] <= 24


_ANY = st.tuples(
    st.sampled_from([tool("a"), tool("b"), tool("c", failed=True), model("x"), model("y", failed=True), handover("h")]),
    st.integers(0, 20_000),
)


@given(st.lists(_ANY, max_size=80), st.integers(1, 80))
def test_something_new_takes_every_row_of_a_run_back_to_nothing(deeds: list[Did], place: int) -> None:
    watch, now = Watch(), 5_000
    for number, (deed, rest) in enumerate(deeds):
        watch, _ = watched(watch, replace(deed, began=now, ended=now + deed.ended), RULES)
        now += deed.ended + rest
        if number == place:
            break
    for new in (tool("never seen", "never seen"), model("never seen", "never seen")):
        watch, _ = watched(watch, replace(new, began=now, ended=now + new.ended), RULES)
        now += new.ended
    watch, told = watched(watch, replace(tool("another", "another"), began=now, ended=now + 1), RULES)
    assert not told
    assert watch.warned == frozenset()


@given(st.lists(_ANY, max_size=200))
def test_a_guard_that_is_off_never_says_anything_and_memory_is_bounded(deeds: list[Did]) -> None:
    assert signs(deeds, NO_GUARDS) == []
    watch, now = Watch(), 0
    for deed, rest in deeds:
        watch, _ = watched(watch, replace(deed, began=now, ended=now + deed.ended), RULES)
        now += deed.ended + rest
    assert max(len(watch.identical.seen), len(watch.alike.seen), len(watch.no_progress.seen)) <= MEMORY


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(0, 500)), max_size=60))
def test_a_clock_that_jumps_back_makes_nobody_wait_less(jumps: list[tuple[int, int]]) -> None:
    watch, now = Watch(), 1_000_000
    for back, lasts in jumps:
        before = watch.calm.now
        watch, _ = watched(watch, replace(tool(), began=now, ended=now + lasts), RULES)
        assert watch.calm.now >= before
        now += back


# --- burn rate


def minutes(*dollars: float) -> Spending:
    known = Spending()
    for place, each in enumerate(dollars):
        known = burned(known, int(each * MICRO), place * MINUTE)
    return known


@pytest.mark.requirement("I7")
def test_a_minute_that_costs_many_times_the_median_is_found() -> None:
    assert burn(minutes(0.2, 0.1, 0.3, 0.2, 0.2, 5), Burning()) == 25
    assert pause(
        [(model(f"g{n}", f"a{n}", micro=cost, lasts=0), MINUTE) for n, cost in enumerate([200_000] * 6 + [6 * MICRO])]
    ) == (
        7,
        Guard.BURN,
    )


def test_small_sums_a_young_run_and_idle_minutes_never_alarm() -> None:
    assert burn(minutes(0.01, 0.01, 0.01, 0.01, 0.01, 0.99), Burning()) == 0
    assert burn(minutes(1, 1, 1, 1, 900), Burning()) == 0
    sparse = Spending()
    for place in range(10):
        sparse = burned(sparse, 2 * MICRO, place * 30 * MINUTE)
    assert burn(sparse, Burning()) == 1


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200), st.integers(0, 10**6))
def test_the_rate_is_a_whole_number_that_grows_with_what_is_spent(costs: list[int], more: int) -> None:
    known = Spending()
    for place, cost in enumerate(costs):
        known = burned(known, cost, place * MINUTE)
    rate = burn(known, Burning())
    assert burn(burned(known, more, len(costs) * MINUTE - 1), Burning()) >= rate or more == 0 or rate == 0 or costs[-1] == 0
    assert len(known.minutes) <= MOST_MINUTES + 1


# --- likeness

PROFILE = ToolProfile(effect=Effect.WRITE, authority=(Authority("/to", Role.TARGET),), objects=("/order",))
UNKNOWN = ToolProfile(effect=Effect.WRITE)


def test_counters_times_and_versions_are_taken_out_where_nothing_is_named_by_them() -> None:
    one = {"to": "verifier", "text": "check answer v1", "at": "2026-11-21T10:00:00Z", "try": 1}
    other = {"to": "verifier", "text": "check answer v22", "at": "2026-11-21T10:07:31Z", "try": 2}
    assert likeness_of(one, PROFILE) == likeness_of(other, PROFILE)
    assert likeness_of({**other, "to": "generator"}, PROFILE) != likeness_of(one, PROFILE)
    assert words_likeness("part 1 of 9") == words_likeness("part 2 of 9")


def test_another_object_is_another_call() -> None:
    assert likeness_of({"order": "A17"}, PROFILE) != likeness_of({"order": "A18"}, PROFILE)
    assert likeness_of({"id": 17}, UNKNOWN) != likeness_of({"id": 18}, UNKNOWN)
    assert likeness_of({"id": "ORD-17"}, UNKNOWN) != likeness_of({"id": "ORD-18"}, UNKNOWN)


def test_without_a_profile_only_texts_and_moments_lose_their_numbers() -> None:
    assert likeness_of({"q": "attempt 3"}, UNKNOWN) == likeness_of({"q": "attempt 4"}, UNKNOWN)
    assert likeness_of({"at": "2026-11-21"}, UNKNOWN) == likeness_of({"at": "2026-11-22"}, UNKNOWN)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), _JSON, max_size=4))
def test_equal_arguments_are_always_alike_and_any_json_has_a_likeness(arguments: dict[str, object]) -> None:
    for profile in (PROFILE, UNKNOWN):
        assert likeness_of(arguments, profile) == likeness_of(dict(reversed(arguments.items())), profile)
