"""Five hundred answers that are open at once, as `make bench-model` has them, and one kill."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from bench.model.gateway import open_runs, start
from bench.model.killing import kill
from bench.processes import processes


@pytest.mark.requirement("I6")
def test_no_byte_of_five_hundred_open_answers_follows_the_acknowledgement_of_their_kill(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with processes(tmp_path / "logs") as started:
        server = started.start("model", [sys.executable, "-m", "bench.model.server", "--port", "0"])
        port = int(server.said(r"^listening (\d+)"))
        gateway = asyncio.run(start(started, tmp_path, f"http://127.0.0.1:{port}"))
        ((run, credential),) = asyncio.run(open_runs(gateway, 1))
        # Every answer has begun before it; the acknowledgement is durable and says of each that it has ended.
        killed = kill(gateway.place(credential), run, gateway, 500)
    assert killed.content_after == 0
    assert killed.last_content <= killed.last_end
