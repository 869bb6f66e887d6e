"""A disk that really is full: the kernel refuses to let the files grow."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from tests.adapters.faulty_disk import PATIENCE_S

from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.model.identifiers import RunId
from ringfence.core.records.state import Account
from ringfence.testing.contracts.samples import a_reach, a_stop

ROOT = Path(__file__).parents[2]


@pytest.mark.requirement("I1")
@pytest.mark.requirement("I3")
@pytest.mark.requirement("I6")
async def test_a_full_disk_refuses_writes_keeps_kills_and_recovers_by_itself(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.adapters.full_disk_child", str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    said, _ = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    assert child.returncode == 0
    seen = json.loads(said)
    assert seen["durable"] > 5
    assert seen["degraded"]
    assert (seen["stops_when_full"], seen["found_when_full"], seen["held_when_full"]) == (1, 1, seen["durable"])
    assert seen["size"] == 1 + seen["durable"] + 1 + 1
    store = await open_store(tmp_path)
    assert await store.account(RunId("run-1")) == Account(held=seen["durable"] + 1)
    assert store.stops_on(a_reach()) == (a_stop(),)
    await store.close()
