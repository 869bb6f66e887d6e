"""What an operator's files say of commands is swapped with the rest of a running gateway's configuration, or stays (I16)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from ringfence.adapters.files.disk import DiskFiles
from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.app.command_profiles import KnownCommands
from ringfence.app.config.load import load_config
from ringfence.app.config.settings import Loaded, ServerConnection
from ringfence.app.gateway import Gateway
from ringfence.app.reload import Reloader
from ringfence.app.wiring.local import GatewayJudging
from ringfence.core.model.local import Place
from ringfence.core.model.profile import Effect
from ringfence.core.scan.scanner import Scanner
from ringfence.core.shell.written import Unread
from ringfence.ports.audit import AuditQuery
from ringfence.ports.upstream import Upstream
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.fakes.lever import FakeLever
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.fakes.signer import FakeSigner
from ringfence.testing.fakes.upstream import FakeUpstream

CONFIG = """\
version: 1
commands: [one.toml, two.toml]
agents:
  coder: {purpose: code, local: {}}
"""
READS = '["shelve"]\nkind = "reads"\n'
WRITES = '["shelve"]\nkind = "writes"\n'
NOTHING = ""


def build(connection: ServerConnection) -> Upstream:
    return FakeUpstream(())


@dataclass
class Running:
    """A gateway on fakes, and what judges commands for it, with a configuration on disk."""

    folder: Path
    gateway: Gateway
    reloader: Reloader
    judging: GatewayJudging
    alerts: FakeNotifier

    async def effect(self) -> Effect:
        """Of the command `shelve`, as a call would be judged now."""
        place = Place(cwd=str(self.folder), roots=(str(self.folder),))
        judged = await self.judging.judge("Bash", {"command": "shelve x"}, place, written=lambda path: Unread.NOT_WRITTEN)
        return judged.profile.effect

    async def digests(self) -> list[bytes]:
        records = await self.gateway.log.query(AuditQuery(kind="gateway", limit=100))
        return [record.leaf for record in records if b'"commands":"' in record.leaf]


@pytest_asyncio.fixture
async def running(tmp_path: Path) -> AsyncGenerator[Running]:
    (tmp_path / "ringfence.yaml").write_text(CONFIG)
    (tmp_path / "one.toml").write_text(READS)
    (tmp_path / "two.toml").write_text(NOTHING)
    loaded = load_config(tmp_path / "ringfence.yaml")
    known, store, notifier = KnownCommands(loaded.own_commands), MemoryStore(), FakeNotifier()
    judging = GatewayJudging(Scanner(), DiskFiles(ignores_case=False), known)
    gateway = Gateway.assemble(
        loaded.rules,
        {},
        store=store,
        log=store,
        clock=FakeClock(),
        entropy=FakeEntropy(),
        signer=FakeSigner(),
        notifier=notifier,
        lever=FakeLever(),
        judges=lambda scanner: judging,
    )

    async def look_anew(fresh: Loaded) -> None:
        known.replace(fresh.own_commands)

    yield Running(tmp_path, gateway, Reloader(gateway, loaded, build, look_anew), judging, notifier)
    await judging.close()


@pytest.mark.requirement("I16")
async def test_a_reload_takes_what_the_files_say_now_and_records_which_they_were(running: Running) -> None:
    assert await running.effect() is Effect.READ
    (running.folder / "one.toml").write_text(WRITES)
    assert await running.effect() is Effect.READ, "a file counts when it is loaded, not when it changes"
    assert await running.reloader.reload() is None
    assert await running.effect() is Effect.WRITE
    own = running.reloader.loaded.own_commands
    assert own is not None
    (entry,) = await running.digests()
    assert own.digest.encode() in entry


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("bad", ["[a", '["put"]\nkind = "fish"\n', '["put"]\nkind = "reads"\nturns = 1\n'])
async def test_one_malformed_file_keeps_all_that_was_in_force_and_is_named(running: Running, bad: str) -> None:
    (running.folder / "one.toml").write_text(WRITES)
    (running.folder / "two.toml").write_text(bad)
    refusal = await running.reloader.reload()
    assert refusal is not None
    assert str(running.folder / "two.toml") in refusal
    assert await running.effect() is Effect.READ
    assert await running.digests() == []
    assert any("two.toml" in str(alert) for alert in running.alerts.alerts)
    (running.folder / "two.toml").write_text(NOTHING)
    assert await running.reloader.reload() is None
    assert await running.effect() is Effect.WRITE


@pytest.mark.requirement("I16")
async def test_a_file_that_is_named_no_more_counts_no_more(running: Running) -> None:
    (running.folder / "ringfence.yaml").write_text(CONFIG.replace("commands: [one.toml, two.toml]\n", ""))
    assert await running.reloader.reload() is None
    assert await running.effect() is Effect.WRITE, "nobody has described it, so it counts as the worst"
