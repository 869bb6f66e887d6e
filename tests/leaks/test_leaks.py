"""A few planted secrets, through the real gateway: found nowhere, and all of them once nothing is masked (`make leaks`)."""

from pathlib import Path

import pytest
from tests.leaks.drive import both


@pytest.mark.requirement("I9")
async def test_planted_secrets_are_found_nowhere_and_all_of_them_without_the_scrubber(tmp_path: Path) -> None:
    garden, scrubbed, unscrubbed = await both(tmp_path, each=1)
    assert scrubbed.found(garden) == {}
    assert set(unscrubbed.found(garden)) == {one.name for one in garden.plants}
    for place in (
        "agent: tools/call",
        "agent: pieces put together",
        "agent: resources/read",
        "people: /servers",
        "state: ringf",
    ):
        assert unscrubbed.found(garden, place), f"nothing would be found in {place}"
    assert {"notifications", "process log (err)", "environments of server processes"} <= scrubbed.places.keys()
