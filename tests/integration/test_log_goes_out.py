"""A real gateway whose log goes to a witness, a folder, a git branch and a SIEM, and is then verified without it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.webhook_receiver import Receiver, receiving
from tests.app.cli_kit import Said, ringfence, short_folder
from tests.contract.test_anchor_contract import git
from tests.integration.test_witness_process import Running
from tests.servers.gateway_process import GatewayProcess

from ringfence.adapters.signers.file_key import open_file_key
from ringfence.app.wiring.compose import LOG_ORIGIN
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import ED25519

pytestmark = pytest.mark.requirement("I12")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def asked(*arguments: str, home: Path, **environment: str) -> Said:
    """A command, while the receiver goes on answering."""
    return await asyncio.to_thread(ringfence, *arguments, home=home, **environment)


def forwarded(receiver: Receiver) -> list[Any]:
    """The events that came so far, in order."""
    return [json.loads(line) for post in receiver.posts if post.path.endswith("/siem") for line in post.body.splitlines()]


async def test_the_log_of_a_gateway_is_cosigned_anchored_forwarded_and_verified_elsewhere(
    receiver: Receiver, tmp_path: Path
) -> None:
    with short_folder() as folder:
        state = folder / "state"
        os.mkdir(state)
        signer = open_file_key(state / "log.key", LOG_ORIGIN, create=True)
        key = str(VerifierKey(signer.name, ED25519, signer.public_key))
        ringfence("witness", "init", str(folder / "w"), "--name", "w.example", "--log", key, home=folder)
        witness = Running(folder / "w")
        anchor, repository = folder / "anchor", folder / "heads"
        os.mkdir(anchor)
        git(repository.parent, "init", "--quiet", str(repository))
        config = folder / "ringfence.yaml"
        settings = {
            "version": 1,
            "log": {
                "witnesses": [{"url": witness.url, "key": str(witness.key)}],
                "anchors": [{"file": str(anchor)}, {"git": str(repository)}, {"webhook": f"{receiver.url}/heads"}],
                "forward": [{"ocsf": f"{receiver.url}/siem"}],
                "retention": {"bodies": "30d"},
            },
        }
        config.write_text(json.dumps(settings), "utf-8")
        gateway = GatewayProcess(config, state)
        try:
            await gateway.start()
            export, head = tmp_path / "log.jsonl", tmp_path / "head"
            at = ("--state", str(state))
            added = await asked("operator", "add", "ada", "--role", "admin", "--json", *at, home=folder)
            assert added.code == 0, added.err
            credential = {"RINGFENCE_OPERATOR_CREDENTIAL": added.json["credential"]}
            assert (await asked("audit", "key", *at, home=folder, **credential)).out.strip() == key
            head.write_text((await asked("audit", "checkpoint", *at, home=folder, **credential)).out, "utf-8")
            status = (await asked("status", "--json", *at, home=folder, **credential)).json["log"]
            assert status["witnesses"]["w.example"]["problem"] == ""
            assert status["cosigned_size"] == status["witnesses"]["w.example"]["size"] > 0
            assert "cosigned by 1 of 1" in (await asked("status", *at, home=folder, **credential)).out
            assert (await asked("audit", "export", "-o", str(export), *at, home=folder, **credential)).code == 0
            verified = await asked(
                *("audit", "verify", "--export", str(export), "--key", key, "--checkpoint", str(head)),
                *("--witness", str(witness.key), "--json"),
                home=tmp_path,
            )
            assert verified.code == 0, verified.out
            assert verified.json["cosigned"] == ["w.example"]
            assert b'"salt":"' in export.read_bytes()
            while not any(event["message"] == "gateway started" for event in forwarded(receiver)):
                receiver.changed.clear()
                await receiver.changed.wait()
        finally:
            assert await gateway.stop() == 0, gateway.errors()
            witness.stop()
        newest = (anchor / "checkpoint").read_text("utf-8")
        committed = git(repository, "show", "ringfence-log:checkpoint")
        assert committed.split("\n\n")[0] == newest.split("\n\n")[0]
        heads = [post.json for post in receiver.posts if post.path.endswith("/heads")]
        assert heads[-1]["note"].split("\n\n")[0] == newest.split("\n\n")[0]
        # At least once: what a receiver was slow to confirm comes again.
        places = {event["metadata"]["sequence"] for event in forwarded(receiver)}
        assert places == set(range(len(places)))
        stopped = ringfence(
            "audit", "verify", "--key", key, "--checkpoint", str(anchor / "checkpoint"), "--json", *at, home=folder
        )
        assert stopped.code == 0, stopped.out
        assert stopped.json["unsigned"] == 0
