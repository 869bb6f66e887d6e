"""`ringfence login --oidc` against a real gateway process and a real provider: one file to the whole way."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from tests.servers.gateway_process import ORDINARY, PATIENCE_S, GatewayProcess
from tests.servers.oidc_provider import CLIENT, SECRET, USER_CODE, provider


async def ringfence(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """One command, with its own home."""
    environment = {**os.environ, "HOME": str(folder / "home"), "RINGFENCE_STATE": str(folder / "state"), "XDG_CONFIG_HOME": ""}
    process = await asyncio.create_subprocess_exec(*ORDINARY, *arguments, stdout=PIPE, stderr=PIPE, env=environment)
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_line_logs_in_acts_as_that_person_and_logs_out(tmp_path: Path) -> None:
    async with provider(lambda: int(time.time())) as idp:
        idp.approved = True
        idp.person |= {"email": "carol@example.org", "email_verified": True}
        secret = tmp_path / "oidc.secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        roles: list[dict[str, Any]] = [{"claim": "groups", "value": "staff", "role": "approver"}]
        oidc = {"issuer": idp.url, "client_id": CLIENT, "client_secret": {"from": f"file:{secret}"}, "roles": roles}
        config: dict[str, Any] = {
            "version": 1,
            "control": {"public_url": "http://127.0.0.1:7411"},
            "operators": {"oidc": oidc},
        }
        file = tmp_path / "ringfence.yaml"
        file.write_text(json.dumps(config))
        gateway = GatewayProcess(file, tmp_path / "state")
        async with gateway.running(), gateway.people() as ada:
            await ada.add_operator("ada", "admin")
            code, out, err = await ringfence(tmp_path, "login", "--oidc")
            assert code == 0, err
            assert "carol@example.org is logged in as approver" in out
            assert USER_CODE in err
            assert f"{idp.url}/activate" in err
            kept = tmp_path / "home" / ".config" / "ringfence" / "operators" / "oidc"
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
            credential = kept.read_text().strip()
            assert credential not in out + err
            async with gateway.people(credential) as carol:
                assert (await carol.done("GET", "/whoami"))["name"] == f"{idp.url}#u-17"
                code, _, err = await ringfence(tmp_path, "operator", "remove", "ada", "--as", "oidc")
                assert (code, "approver" in err) == (1, True), err
                entries = await carol.log()
                assert [entry["by"] for entry in entries if entry["decision"] == "login"] == [f"operator:{idp.url}#u-17"]
                roles[0]["value"] = "board"
                file.write_text(json.dumps(config))
                await ada.done("POST", "/reload")
                assert (await carol.ask("GET", "/whoami"))[0] == 401
                code, _, _ = await ringfence(tmp_path, "login", "--oidc", "--name", "again")
                assert code == 1
                roles[0]["value"] = "staff"
                file.write_text(json.dumps(config))
                await ada.done("POST", "/reload")
                assert (await ringfence(tmp_path, "logout"))[0] == 0
                assert (await carol.ask("GET", "/whoami"))[0] == 401
            assert not kept.exists()
            assert (await ringfence(tmp_path, "login"))[0] == 2
            assert SECRET not in gateway.errors()
