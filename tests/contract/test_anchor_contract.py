"""The anchor's contract, on every kind of place, and what is particular to each."""

import hmac
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web

from ringfence.adapters.anchors.file import FileAnchor
from ringfence.adapters.anchors.git import GitAnchor, GitOptions
from ringfence.adapters.anchors.webhook import HeadWebhookOptions, WebhookAnchor
from ringfence.errors import UnavailableError
from ringfence.ports.anchor import Anchor
from ringfence.testing.contracts.anchor import AnchorContract, a_head
from ringfence.testing.fakes.clock import START, FakeClock
from ringfence.testing.fakes.log_outlets import FakeAnchor
from ringfence.testing.fakes.secrets import known

pytestmark = pytest.mark.requirement("I12")


class TestFakeAnchor(AnchorContract):
    @pytest.fixture
    async def anchor(self) -> FakeAnchor:
        return FakeAnchor()

    @pytest.fixture
    def kept(self, anchor: FakeAnchor) -> Callable[[], list[str]]:
        return lambda: anchor.kept

    @pytest.fixture
    def broken(self) -> Anchor:
        broken = FakeAnchor()
        broken.down = True
        return broken


class TestFileAnchor(AnchorContract):
    @pytest.fixture
    async def anchor(self, tmp_path: Path) -> FileAnchor:
        return FileAnchor(tmp_path)

    @pytest.fixture
    def kept(self, tmp_path: Path) -> Callable[[], list[str]]:
        return lambda: [json.loads(line)["note"] for line in (tmp_path / "heads.jsonl").read_text("utf-8").splitlines()]

    @pytest.fixture
    def broken(self, tmp_path: Path) -> Anchor:
        return FileAnchor(tmp_path / "not-mounted")

    async def test_the_newest_lies_there_as_verify_takes_it(self, anchor: FileAnchor, tmp_path: Path) -> None:
        await anchor.keep(*a_head(1))
        await anchor.keep(*a_head(2))
        assert (tmp_path / "checkpoint").read_text("utf-8") == a_head(2)[0]
        assert sorted(os.listdir(tmp_path)) == ["checkpoint", "heads.jsonl"]

    async def test_a_line_that_was_cut_off_takes_no_other_with_it(self, anchor: FileAnchor, tmp_path: Path) -> None:
        await anchor.keep(*a_head(1))
        with (tmp_path / "heads.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"origin": "ringf')
        await anchor.keep(*a_head(2))
        lines = (tmp_path / "heads.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(lines[place])["size"] for place in (0, 2)] == [1, 2]
        assert len(lines) == 3


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout


def notes(folder: Path) -> list[str]:
    commits = git(folder, "rev-list", "--reverse", "heads").split()
    return [git(folder, "show", f"{commit}:checkpoint") for commit in commits]


class TestGitAnchor(AnchorContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        folder, remote = tmp_path / "clone", tmp_path / "remote"
        for each in (folder, remote):
            each.mkdir()
            git(each, "init", "--quiet", *(["--bare"] if each is remote else []))
        git(folder, "remote", "add", "origin", str(remote))
        return folder

    @pytest.fixture
    async def anchor(self, repository: Path) -> GitAnchor:
        return GitAnchor(GitOptions(repository=repository, branch="heads", remote="origin"), os.environ)

    @pytest.fixture
    def kept(self, repository: Path) -> Callable[[], list[str]]:
        return lambda: notes(repository.parent / "remote")

    @pytest.fixture
    def broken(self, repository: Path) -> Anchor:
        git(repository, "remote", "add", "gone", "https://user:s3cret@127.0.0.1:1/nowhere.git")
        return GitAnchor(GitOptions(repository=repository, branch="heads", remote="gone"), os.environ)

    async def test_hooks_and_the_work_tree_of_the_repository_take_no_part(self, anchor: GitAnchor, repository: Path) -> None:
        for hook in ("pre-push", "post-commit", "reference-transaction", "pre-commit"):
            script = repository / ".git" / "hooks" / hook
            script.parent.mkdir(exist_ok=True)
            script.write_text("#!/bin/sh\nexit 1\n", "utf-8")
            script.chmod(0o755)
        await anchor.keep(*a_head(1))
        assert notes(repository) == [a_head(1)[0]]
        assert git(repository, "status", "--porcelain") == ""

    async def test_a_remote_that_has_something_else_is_not_forced(self, anchor: GitAnchor, repository: Path) -> None:
        await anchor.keep(*a_head(1))
        git(repository, "update-ref", "-d", "refs/heads/heads")
        with pytest.raises(UnavailableError, match="push"):
            await anchor.keep(*a_head(2))
        assert notes(repository.parent / "remote") == [a_head(1)[0]]

    async def test_what_is_no_repository_is_unavailable(self, tmp_path: Path) -> None:
        with pytest.raises(UnavailableError):
            await GitAnchor(GitOptions(repository=tmp_path, branch="heads"), os.environ).keep(*a_head(1))
        with pytest.raises(UnavailableError, match="cannot be started"):
            await GitAnchor(GitOptions(repository=tmp_path, branch="heads"), {"PATH": ""}).keep(*a_head(1))


class Receiver:
    """Takes heads, or answers with `status`."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.status = 200

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.status == 200:
            self.requests.append((dict(request.headers), body))
        return web.Response(status=self.status, headers={"location": "/elsewhere"} if self.status == 302 else {})


class TestWebhookAnchor(AnchorContract):
    @pytest.fixture
    def receiver(self) -> Receiver:
        return Receiver()

    @pytest.fixture
    async def url(self, receiver: Receiver) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/heads", receiver.take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/heads?token=s3cret"
        await runner.cleanup()

    @pytest.fixture
    async def anchor(self, url: str) -> AsyncIterator[WebhookAnchor]:
        anchor = WebhookAnchor(HeadWebhookOptions(url=url, secret=known("shared")), FakeClock())
        yield anchor
        await anchor.close()

    @pytest.fixture
    def kept(self, receiver: Receiver) -> Callable[[], list[str]]:
        return lambda: [json.loads(body)["note"] for _, body in receiver.requests]

    @pytest.fixture
    async def broken(self) -> AsyncIterator[Anchor]:
        anchor = WebhookAnchor(HeadWebhookOptions(url="http://127.0.0.1:1/s3cret"), FakeClock())
        yield anchor
        await anchor.close()

    async def test_it_is_signed_as_notifications_are(self, anchor: WebhookAnchor, receiver: Receiver) -> None:
        await anchor.keep(*a_head(7))
        ((headers, body),) = receiver.requests
        stamp = START // 1000
        digest = hmac.new(b"shared", f"{stamp}.".encode() + body, sha256).hexdigest()
        assert headers["ringfence-signature"] == f"t={stamp},v1={digest}"
        assert headers["ringfence-id"] == "head:7"
        assert json.loads(body)["size"] == 7

    @pytest.mark.parametrize("status", [302, 400, 500, 503])
    async def test_only_a_yes_counts(self, anchor: WebhookAnchor, receiver: Receiver, status: int) -> None:
        receiver.status = status
        with pytest.raises(UnavailableError, match=str(status)):
            await anchor.keep(*a_head(1))
