"""One gateway per state directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.adapters.stores.sqlite.lock import StateLock
from ringfence.errors import UnavailableError

HOLDER = """
import sys
from pathlib import Path
from ringfence.adapters.stores.sqlite.lock import StateLock
StateLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_gateway_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UnavailableError, match=f"process {holder.pid}") as caught:
            StateLock(tmp_path).acquire()
        assert caught.value.remedy
        holder.kill()
    with StateLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_is_exclusive_within_one_process_too(tmp_path: Path) -> None:
    first = StateLock(tmp_path)
    first.acquire()
    first.acquire()
    with pytest.raises(UnavailableError, match=str(os.getpid())):
        StateLock(tmp_path).acquire()
    first.release()
    first.release()
    with StateLock(tmp_path):
        pass


def test_a_directory_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot open"):
        StateLock(tmp_path / "none").acquire()
