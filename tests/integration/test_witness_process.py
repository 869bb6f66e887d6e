"""`ringfence witness` as a program of its own, over HTTP, with our client and with plain requests."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from tests.app.cli_kit import ringfence
from tests.core.test_audit_verify import signed
from tests.core.test_audit_witnessing import LOG, NAME, OTHER, PUBLIC, asked

from ringfence.adapters.witnesses.http import HttpWitness
from ringfence.core.audit.cosignature import cosigned_at, with_cosignatures
from ringfence.core.audit.keys import VerifierKey, parse_key
from ringfence.core.audit.note import COSIGNATURE, ED25519, parse_note
from ringfence.core.audit.proof import consistency_proof
from ringfence.core.audit.stem import entry_hash
from ringfence.errors import UnavailableError
from ringfence.ports.witness import Cosigned, Refused, Stale

pytestmark = pytest.mark.requirement("I12")
LOG_KEY = str(VerifierKey(NAME, ED25519, PUBLIC))


class Running:
    """One witness process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "ringfence", "witness", "serve", str(self.folder), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()
        found = re.fullmatch(r"ready witness (http://127\.0\.0\.1:\d+) key (\S+)\n", ready)
        assert found, ready
        self.url, self.key = found[1], parse_key(found[2], COSIGNATURE)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def witness(tmp_path: Path) -> Generator[Running]:
    folder = tmp_path / "witness"
    made = ringfence("witness", "init", str(folder), "--name", "witness.example", "--log", LOG_KEY, home=tmp_path)
    assert made.code == 0, made.err
    running = Running(folder)
    assert made.out.strip() == str(running.key)
    yield running
    if running.process.poll() is None:
        assert running.stop() in (0, -signal.SIGTERM)


async def post(witness: Running, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.post(witness.url + path, data=body) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_it_cosigns_growth_and_answers_every_refusal_as_the_specification_says(witness: Running) -> None:
    status, _, line = await post(witness, asked(0, 4))
    assert status == 200
    note = parse_note(signed(LOG, 4) + line)
    assert cosigned_at(note, witness.key) is not None
    assert await post(witness, asked(0, 8)) == (409, "text/x.tlog.size", "4\n")
    assert (await post(witness, asked(4, 8, OTHER)))[0] == 422
    assert (await post(witness, asked(4, 4, OTHER)))[:2] == (409, "text/x.tlog.size")
    assert (await post(witness, asked(4, 8).replace(NAME.encode(), b"other/log")))[0] == 404
    assert (await post(witness, asked(4, 8).replace(b"\n8\n", b"\n9\n")))[0] == 403
    assert (await post(witness, b"nonsense"))[0] == 400
    assert (await post(witness, b"x" * 70_000))[0] == 413
    assert (await post(witness, asked(4, 8), "/"))[0] == 404
    async with aiohttp.ClientSession() as session, session.get(witness.url + "/add-checkpoint") as answer:
        assert answer.status == 405
    assert (await post(witness, asked(4, 8)))[0] == 200


async def test_a_header_that_never_ends_ends_the_connection(witness: Running) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(witness.url).port)
    writer.write(b"POST /add-checkpoint HTTP/1.1\r\nHost: localhost\r\nx: ")
    async with asyncio.timeout(20):
        with pytest.raises(ConnectionError):
            await _flood(writer)
    writer.close()


async def _flood(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"y" * 65_536)
        await writer.drain()


async def test_what_it_has_cosigned_survives_kill_9(witness: Running) -> None:
    assert (await post(witness, asked(0, 8)))[0] == 200
    witness.stop(signal.SIGKILL)
    witness.start()
    assert await post(witness, asked(0, 4)) == (409, "text/x.tlog.size", "8\n")
    assert (await post(witness, asked(8, 10)))[0] == 200


async def test_of_two_histories_at_once_only_one_is_cosigned(witness: Running) -> None:
    answers = await asyncio.gather(*(post(witness, asked(0, 8, log)) for log in (LOG, OTHER) for _ in range(8)))
    lines = {line for status, _, line in answers if status == 200}
    assert lines
    notes = [(log, parse_note(signed(log, 8) + line)) for line in lines for log in (LOG, OTHER)]
    verified = {log is LOG for log, note in notes if _verifies(note, witness)}
    assert len(verified) == 1


def _verifies(note: object, witness: Running) -> bool:
    from ringfence.core.audit.note import Note
    from ringfence.errors import IntegrityError

    assert isinstance(note, Note)
    try:
        return cosigned_at(note, witness.key) is not None
    except IntegrityError:
        return False


def proof(old: int, size: int, log: list[bytes] = LOG) -> tuple[bytes, ...]:
    return consistency_proof(old, [entry_hash(leaf) for leaf in log[:size]])


async def test_our_client_understands_every_answer(witness: Running) -> None:
    client = HttpWitness(witness.url + "/", witness.key)
    answer = await client.add_checkpoint(0, (), signed(LOG, 4))
    assert isinstance(answer, Cosigned)
    assert cosigned_at(with_cosignatures(parse_note(signed(LOG, 4)), answer.lines), witness.key)
    assert await client.add_checkpoint(0, (), signed(LOG, 8)) == Stale(4)
    split = await client.add_checkpoint(4, proof(4, 8, OTHER), signed(OTHER, 8))
    assert isinstance(split, Refused)
    assert split.is_split
    refused = await client.add_checkpoint(4, proof(4, 8), signed(LOG, 8).replace("\n8\n", "\n9\n"))
    assert isinstance(refused, Refused)
    assert not refused.is_split
    stranger = HttpWitness(witness.url, VerifierKey("witness.example", COSIGNATURE, PUBLIC))
    with pytest.raises(UnavailableError, match="another key"):
        await stranger.add_checkpoint(4, proof(4, 8), signed(LOG, 8))
    await stranger.close()
    witness.stop()
    with pytest.raises(UnavailableError, match="does not answer"):
        await client.add_checkpoint(4, proof(4, 8), signed(LOG, 8))
    await client.close()


def test_a_witness_is_made_once_and_only_with_keys_of_logs(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    assert ringfence("witness", "init", folder, "--name", "w.example", "--log", "no key", home=tmp_path).code == 1
    made = ringfence("witness", "init", folder, "--name", "w.example", "--json", home=tmp_path)
    assert made.code == 0
    assert ringfence("witness", "init", folder, "--name", "w.example", home=tmp_path).code == 1
    key = json.loads(made.out)["key"]
    assert ringfence("witness", "key", folder, home=tmp_path).out.strip() == key
    assert ringfence("witness", "trust", folder, key, home=tmp_path).code == 1  # a witness's key, not a log's
    assert ringfence("witness", "trust", folder, LOG_KEY, home=tmp_path).code == 0
    assert ringfence("witness", "trust", folder, LOG_KEY, home=tmp_path).code == 0
    assert (tmp_path / "w" / "logs").read_text("utf-8") == f"{LOG_KEY}\n"
    other = str(VerifierKey(NAME, ED25519, bytes([3]) * 32))
    assert ringfence("witness", "trust", folder, other, home=tmp_path).code == 1
    assert os.stat(tmp_path / "w" / "witness.key").st_mode & 0o077 == 0
    assert ringfence("witness", "serve", str(tmp_path / "nothing"), home=tmp_path).code == 3


def test_a_head_that_cannot_be_read_is_never_taken_for_none(tmp_path: Path) -> None:
    from hashlib import sha256

    from ringfence.adapters.witnesses.seen_heads import FolderHeads

    (tmp_path / f"{sha256(NAME.encode()).hexdigest()}.json").write_text("{", "utf-8")
    with pytest.raises(UnavailableError):
        asyncio.run(FolderHeads(tmp_path).seen(NAME))
