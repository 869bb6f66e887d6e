"""What was approved is what is run: the same words over something else are another call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.pep.hook_world import CWD, RISKY, HookWorld, JudgesBy

from ringfence.core.model.local import Judgement, Kind, LocalAct, PathUse, Place, Use
from ringfence.core.model.ticket import TicketState
from ringfence.engine.local.sealed import seal_of
from ringfence.testing.fakes.files import FakeFiles


@dataclass(slots=True)
class Changing:
    """What every command comes to is what somebody last said."""

    acts: str = "rm -rf build"
    real: str = f"{CWD}/build"

    def says(self, tool: str, arguments: Mapping[str, Any], place: Place) -> Judgement:
        return judged(self.acts, self.real, place)


PLACE = Place(cwd=CWD, roots=(CWD,))


def judged(text: str, real: str, place: Place = PLACE, use: Use = Use.DELETE) -> Judgement:
    act = LocalAct(
        kind=Kind.COMMAND,
        text=text,
        words=tuple(text.split()),
        tool="Bash",
        profile=RISKY,
        paths=(PathUse(use=use, path=f"{CWD}/build", real=real),),
    )
    return Judgement(place=place, acts=(act,), profile=RISKY)


@pytest.mark.requirement("I4")
@pytest.mark.parametrize(
    ("acts", "real"), [("rm -rf keep", f"{CWD}/build"), ("rm -rf build", "/home/ada/other")], ids=["a script", "a link"]
)
async def test_an_approval_is_not_used_for_the_same_words_once_they_do_something_else(acts: str, real: str) -> None:
    judges = Changing()
    hooks = await HookWorld.open(judges=JudgesBy(judges.says))
    held = hooks.begin(hooks.bash("sh clean.sh"))
    await hooks.world.clock.until_sleeping()
    (ticket,) = await hooks.world.store.tickets(frozenset({TicketState.PENDING}))
    held.leave()
    await held.done()
    await hooks.world.approve(ticket.id)

    before = replace(judges)
    judges.acts, judges.real = acts, real
    other = hooks.begin(hooks.bash("sh clean.sh"))
    await hooks.world.clock.until_sleeping()
    assert not other.task.done(), "a person is asked anew"
    (asked,) = await hooks.world.store.tickets(frozenset({TicketState.PENDING}))
    assert asked.id != ticket.id
    other.leave()
    await other.done()

    judges.acts, judges.real = before.acts, before.real
    assert (await hooks.ask("sh clean.sh"))["permissionDecision"] == "allow", "what was approved may still be done"


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("use", [Use.EXECUTE, Use.READ], ids=["run", "applied"])
async def test_what_stands_in_a_file_that_is_worked_from_is_sealed(use: Use) -> None:
    files = FakeFiles({f"{CWD}/build": "make all\n"})
    judgement = judged("sh build", f"{CWD}/build", use=use)
    before = await seal_of(judgement, files)
    assert await seal_of(judgement, files) == before
    assert await seal_of(judgement, FakeFiles({f"{CWD}/build": "make none\n"})) != before
    assert await seal_of(judgement, FakeFiles({})) != before


@pytest.mark.requirement("I4")
async def test_a_name_that_is_no_unicode_can_be_sealed() -> None:
    assert await seal_of(judged("rm \udcff", f"{CWD}/\udcff"), FakeFiles({}))
