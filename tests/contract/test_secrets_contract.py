"""The promises of a place of secrets, kept by the fake, the environment, files, commands and a vault.

The vault here is a small server that answers as the KV version 2 API does; no real Vault is started.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import shlex
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ringfence.adapters.secrets.command import CommandSecrets
from ringfence.adapters.secrets.environment import EnvironmentSecrets
from ringfence.adapters.secrets.file import FileSecrets
from ringfence.adapters.secrets.vault import VaultOptions, VaultSecrets
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import Secret, SecretRef, SecretSource
from ringfence.testing.contracts.secrets import CANARY, SecretSourceContract
from ringfence.testing.fakes.secrets import FakeSecrets

PATHS = {"PATH": os.environ["PATH"]}


class TestFakeSecrets(SecretSourceContract):
    async def source(self, value: bytes) -> tuple[SecretSource, SecretRef]:
        return FakeSecrets(one=value.decode()), SecretRef("fake:one")

    async def nothing(self) -> tuple[SecretSource, SecretRef]:
        return FakeSecrets(), SecretRef("fake:none")


class TestEnvironmentSecrets(SecretSourceContract):
    async def source(self, value: bytes) -> tuple[SecretSource, SecretRef]:
        return EnvironmentSecrets({"ONE": value.decode()}), SecretRef("env:ONE")

    async def nothing(self) -> tuple[SecretSource, SecretRef]:
        return EnvironmentSecrets({"ONE": CANARY}), SecretRef("env:TWO")

    async def test_bytes_that_are_no_text_are_refused(self) -> None:
        source = EnvironmentSecrets({"ONE": b"\xff\xfe".decode("utf-8", "surrogateescape")})
        with pytest.raises(UnavailableError, match="not UTF-8"):
            await source.read(SecretRef("env:ONE"))


class TestFileSecrets(SecretSourceContract):
    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def written(self, value: bytes, mode: int = 0o600) -> SecretRef:
        path = self.folder / "one"
        path.write_bytes(value)
        path.chmod(mode)
        return SecretRef("file:one", str(self.folder))

    async def source(self, value: bytes) -> tuple[SecretSource, SecretRef]:
        return FileSecrets(), self.written(value)

    async def nothing(self) -> tuple[SecretSource, SecretRef]:
        return FileSecrets(), SecretRef("file:none", str(self.folder))

    async def test_the_newline_at_the_end_is_the_editors(self) -> None:
        assert (await FileSecrets().read(self.written(b"one\r\n"))).reveal() == "one"

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    async def test_a_file_open_to_others_is_refused_with_what_to_do(self, mode: int) -> None:
        with pytest.raises(UnavailableError, match="open to other users") as failed:
            await FileSecrets().read(self.written(CANARY.encode(), mode))
        assert "chmod 600" in failed.value.diagnostics()

    async def test_a_fifo_in_its_place_is_refused_and_does_not_hang(self) -> None:
        os.mkfifo(self.folder / "pipe", 0o600)
        with pytest.raises(UnavailableError, match="not a regular file"):
            await FileSecrets().read(SecretRef("file:pipe", str(self.folder)))


class TestCommandSecrets(SecretSourceContract):
    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def python(self, code: str) -> SecretRef:
        return SecretRef(f"exec:{shlex.quote(sys.executable)} -c {shlex.quote(code)}", str(self.folder))

    async def source(self, value: bytes) -> tuple[SecretSource, SecretRef]:
        (self.folder / "value").write_bytes(value)
        return CommandSecrets(PATHS), SecretRef("exec:cat value", str(self.folder))

    async def nothing(self) -> tuple[SecretSource, SecretRef]:
        return CommandSecrets(PATHS), SecretRef("exec:no-such-command-at-all", str(self.folder))

    async def test_a_failing_command_is_refused_and_its_words_are_not_quoted(self) -> None:
        ref = self.python(f"import sys; sys.stderr.write('{CANARY[:6]}!'); sys.exit(3)")
        with pytest.raises(UnavailableError, match="exit code 3"):
            await CommandSecrets(PATHS).read(ref)

    async def test_there_is_no_shell(self) -> None:
        assert (await CommandSecrets(PATHS).read(SecretRef("exec:echo $HOME; id"))).reveal() == "$HOME; id"

    async def test_it_sees_nothing_of_the_gateways_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GATEWAY_KEY", CANARY)
        ref = self.python("import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))")
        assert (await CommandSecrets(PATHS).read(ref)).reveal() == "['PATH']"

    async def test_a_command_that_hangs_is_ended_with_all_it_started(self) -> None:
        pid_file = self.folder / "pid"
        ref = SecretRef(f"exec:sh -c 'sleep 600 & echo $! > {pid_file}; wait'")
        with pytest.raises(UnavailableError, match="did not end within"):
            await CommandSecrets(PATHS, answer_s=2.0).read(ref)
        assert await asyncio.to_thread(ends, int(pid_file.read_text()))

    async def test_what_a_command_leaves_behind_is_ended_too(self) -> None:
        pid_file = self.folder / "pid"
        ref = SecretRef(f"exec:sh -c 'sleep 600 & echo $! > {pid_file}; echo value'")
        with pytest.raises(UnavailableError, match="did not end within"):
            await CommandSecrets(PATHS, answer_s=2.0).read(ref)
        assert await asyncio.to_thread(ends, int(pid_file.read_text()))

    @pytest.mark.parametrize("source", ["exec:", "exec:  ", "exec:echo 'open"])
    async def test_what_is_no_command_is_refused(self, source: str) -> None:
        with pytest.raises(UnavailableError):
            await CommandSecrets(PATHS).read(SecretRef(source))


def ends(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


TOKEN = "vault-token-0001"


class TestVaultSecrets(SecretSourceContract):
    """Against a server that answers as the KV version 2 API does."""

    seen: list[web.Request]
    kept: dict[str, bytes]
    status = 200

    @pytest.fixture(autouse=True)
    async def server(self) -> None:
        self.seen, self.kept, self.status = [], {}, 200

        async def get(request: web.Request) -> web.Response:
            self.seen.append(request)
            if self.status != 200:
                headers = {"Location": "http://127.0.0.1:1/"} if self.status == 307 else {}
                return web.Response(status=self.status, text=f"errors {CANARY}", headers=headers)
            if request.headers.get("X-Vault-Token") != TOKEN:
                return web.json_response({"errors": ["permission denied"]}, status=403)
            value = self.kept.get(request.path)
            if value is None:
                return web.json_response({"errors": []}, status=404)
            return web.json_response({"data": {"data": {"password": value.decode(), "port": 5432}, "metadata": {"version": 1}}})

        app = web.Application()
        app.router.add_get("/{tail:.*}", get)
        self.test_server = TestServer(app)
        await self.test_server.start_server()

    async def source(self, value: bytes) -> tuple[SecretSource, SecretRef]:
        self.kept["/v1/kv/data/shop/db"] = value
        return self.vault(), SecretRef("vault:kv/shop/db#password")

    async def nothing(self) -> tuple[SecretSource, SecretRef]:
        return self.vault(), SecretRef("vault:kv/none#password")

    def vault(self, token: str = TOKEN) -> VaultSecrets:
        async def current() -> Secret:
            return Secret(token)

        return VaultSecrets(VaultOptions(address=str(self.test_server.make_url("")), token=current, namespace="team/a"))

    async def refused(self, source: str, token: str = TOKEN) -> str:
        vault = self.vault(token)
        with pytest.raises(UnavailableError) as failed:
            await vault.read(SecretRef(source))
        await vault.close()
        await self.test_server.close()
        assert CANARY not in failed.value.diagnostics()
        return str(failed.value)

    async def test_the_namespace_travels_with_it(self) -> None:
        vault, ref = await self.source(b"x")
        await vault.read(ref)
        assert self.seen[0].headers["X-Vault-Namespace"] == "team/a"
        await vault.close()

    async def test_a_wrong_token_is_said_so(self) -> None:
        self.kept["/v1/kv/data/a"] = b"x"
        assert "may not read it" in await self.refused("vault:kv/a#password", token="other")

    async def test_a_field_that_is_missing_or_no_text_is_refused(self) -> None:
        self.kept["/v1/kv/data/a"] = CANARY.encode()
        assert "no field `user`" in await self.refused("vault:kv/a#user")

    async def test_a_number_is_no_secret(self) -> None:
        self.kept["/v1/kv/data/a"] = CANARY.encode()
        assert "is not text" in await self.refused("vault:kv/a#port")

    @pytest.mark.parametrize("status", [307, 400, 403, 404, 429, 500, 503])
    async def test_any_other_answer_is_refused_and_a_redirect_not_followed(self, status: int) -> None:
        self.status = status
        await self.refused("vault:kv/a#password")
        assert len(self.seen) == 1

    @pytest.mark.parametrize(
        "source", ["vault:", "vault:kv#f", "vault:kv/a", "vault:/a#f", "vault:kv//a#f", "vault:kv/../sys#f"]
    )
    async def test_a_reference_that_names_no_place_is_refused_before_anything_is_sent(self, source: str) -> None:
        await self.refused(source)
        assert self.seen == []

    async def test_a_path_cannot_leave_its_place(self) -> None:
        await self.refused("vault:kv/a?version=1#password")
        assert self.seen[0].rel_url.query_string == ""

    async def test_a_vault_that_is_away_is_unavailable(self) -> None:
        async def current() -> Secret:
            return Secret(TOKEN)

        vault = VaultSecrets(VaultOptions(address="http://127.0.0.1:1", token=current))
        with pytest.raises(UnavailableError, match="does not answer"):
            await vault.read(SecretRef("vault:kv/a#password"))
        await vault.close()


def test_a_secret_shows_itself_only_when_asked_to() -> None:
    secret = Secret(CANARY)
    assert CANARY not in f"{secret!r} {secret} {[secret]!r}"
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        secret.__reduce__()
