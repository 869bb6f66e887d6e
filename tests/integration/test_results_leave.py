"""What `ringfence run --repo` hands over, on a real gateway: one branch, after the gate, and after a person where it must."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.adapters.workspace_kit import git
from tests.integration.test_run_in_a_box import RINGFENCE, Boxing, boxing, over
from tests.servers.gateway_process import PATIENCE_S

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.requirement("I4", "I18")]
HOSTILE = """
git config core.fsmonitor "touch $MARK"; git config core.hooksPath /work/hooks; git config core.pager "touch $MARK"
git config uploadpack.packObjectsHook "touch $MARK"; git config diff.external "touch $MARK"; git config include.path /work/more
git config filter.x.clean "touch $MARK; cat"; git config alias.bundle "!touch $MARK"
git config gc.recentObjectsHook "touch $MARK"
mkdir -p hooks .git/hooks; for hook in post-checkout post-index-change reference-transaction pre-commit; do
  printf '#!/bin/sh\\ntouch %s\\n' "$MARK" | tee hooks/$hook > .git/hooks/$hook; chmod 755 hooks/$hook .git/hooks/$hook; done
echo x > a.txt; git -c core.hooksPath=/dev/null -c core.fsmonitor=false add a.txt
git -c core.hooksPath=/dev/null -c core.fsmonitor=false commit -q -m x
"""


@dataclass(slots=True)
class Project:
    """A gateway and an operator's repository."""

    box: Boxing
    repository: Path

    async def run(self, script: str, *options: str) -> tuple[int, dict[str, Any]]:
        """The command's exit code, and what is said of its result."""
        code, out, errors = await self.box.run("sh", "-c", script, options=("--repo", str(self.repository), "--json", *options))
        said = json.loads(out.splitlines()[-1]) if out else {}
        assert "result" in said, errors
        return code, {**(said["result"] or {}), "run": said["run"]}

    def refs(self) -> dict[str, str]:
        lines = git(self.repository, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    async def entries(self, run: str) -> list[dict[str, Any]]:
        return [entry for entry in await self.box.people.log() if entry["run"] == run]

    async def decide(self, ticket: str, decision: str) -> None:
        found = await self.box.people.approval(ticket)
        assert found is not None
        status, answer = await self.box.people.decide(found, decision)
        assert status == 200, answer

    async def export(self, run: str) -> tuple[int, dict[str, Any]]:
        """`ringfence run export`."""
        environment = {**os.environ, "RINGFENCE_OPERATOR_CREDENTIAL": self.box.credential}
        process = await asyncio.create_subprocess_exec(
            RINGFENCE, "run", "export", run, "--json", "--no-wait", "--state", str(self.box.state),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        code, out, errors = await over(process)
        return code, json.loads(out)["result"] if code in (0, 1) and out else {"why": errors}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Project]:
    repository = tmp_path_factory.mktemp("repository")
    git(repository, "init", "--quiet", "--initial-branch=main")
    (repository / "README.md").write_text("hers\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "begin")
    git(repository, "tag", "v1")
    async with boxing(tmp_path_factory.mktemp("results")) as box:
        yield Project(box, repository)


async def test_a_commit_becomes_one_branch_and_the_exit_code_is_the_commands(project: Project) -> None:
    before = project.refs()
    script = "echo a > a.py; git add a.py; git commit -qm a; git branch -f main; git tag -f v1; echo more > more; exit 3"
    code, result = await project.run(script)
    assert (code, result["state"], result["commits"], result["paths"], result["changed"]) == (3, "landed", 1, 1, 1)
    after = project.refs()
    head = after.pop(f"refs/heads/{result['branch']}")
    assert after == before
    assert git(project.repository, "show", "--name-only", "--format=", head) == "a.py"
    assert git(project.repository, "status", "--porcelain") == ""


async def test_the_timeline_has_what_left(project: Project) -> None:
    _, result = await project.run("echo b > b.py; git add b.py; git commit -qm b")
    entries = await project.entries(result["run"])
    decided = next(e for e in entries if e["tool"] == "workspace.export" and e["kind"] == "decision")
    said = decided["body"]["arguments"]
    assert (said["commits"], said["paths"], said["protected"], said["refused"]) == (1, 1, [], [])
    assert said["base"] == git(project.repository, "rev-parse", "main")
    assert said["head"] == project.refs()[f"refs/heads/{result['branch']}"]
    assert len(said["bundle"]) == 64
    outcome = next(e for e in entries if e["tool"] == "workspace.export" and e["kind"] == "outcome")
    assert outcome["body"]["workspace"] == {"branch": result["branch"], "head": said["head"]}
    ended = next(e for e in entries if e["summary"].startswith("box ended"))
    assert ended["body"]["workspace"]["state"] == "landed"
    begun = next(e for e in entries if e["summary"].startswith("box started"))
    assert begun["body"]["base"] == said["base"]


async def test_nothing_committed_is_no_result_unless_it_is_asked_for(project: Project) -> None:
    before = project.refs()
    _, result = await project.run("echo x > x.txt; echo y > y.txt")
    assert (result["state"], result["changed"]) == ("nothing", 2)
    assert project.refs() == before
    _, result = await project.run("echo x > x.txt; echo y > y.txt", "--commit")
    assert (result["state"], result["commits"], result["paths"], result["changed"]) == ("landed", 1, 2, 0)


async def test_configuration_and_hooks_of_the_clone_execute_nothing_on_the_host(project: Project, tmp_path: Path) -> None:
    """git-01, git-02, git-05: the mark is a path of the host, and that of a control in the box is /work/ran."""
    mark = tmp_path / "ran"
    os.chmod(tmp_path, 0o777)
    code, result = await project.run(f"MARK={mark}\n{HOSTILE}")
    assert (code, result["state"], result["paths"]) == (0, "landed", 1)
    assert not mark.exists()
    assert not (project.repository / "hooks").exists()
    assert git(project.repository, "config", "--list", "--local").count("fsmonitor") == 0


@pytest.mark.parametrize(
    ("script", "why"),
    [
        pytest.param("ln -s /etc/passwd l; git add l; git commit -qm l", "a symbolic link", id="pf-12"),
        pytest.param("rm -rf .git; git init -q; echo a>a; git add a; git commit -qm a", "", id="git-08"),
        pytest.param("git checkout -q --orphan o; git commit -qm o", "", id="orphan"),
        pytest.param(
            "git init -q n; git -C n commit -q --allow-empty -m n; git add n; git commit -qm n", "a submodule", id="git-13"
        ),
        pytest.param("echo garbage > .git/HEAD", "", id="garbage HEAD"),
        pytest.param("head -c 20M /dev/zero > big; git add big; git commit -qm b", "20971520 bytes", id="pf-16"),
        pytest.param(
            "head -c 20M /dev/urandom > big; git add big; git commit -qm b", "a bundle of", id="a bundle over its bound"
        ),
    ],
)
async def test_what_the_gate_refuses_does_not_leave_and_is_in_the_log(project: Project, script: str, why: str) -> None:
    before = project.refs()
    identity = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b\n"
    _, result = await project.run(identity + script)
    assert result["state"] == "refused"
    assert why in result["why"]
    assert project.refs() == before
    ended = next(e for e in await project.entries(result["run"]) if e["summary"].startswith("box ended"))
    assert ended["body"]["workspace"]["state"] == "refused"


PROTECTED = "mkdir -p .github/workflows; echo 'on: push' > .github/workflows/ci.yml; git add .; git commit -qm ci"


async def test_a_protected_path_waits_for_a_person_and_is_fetched_later(project: Project) -> None:
    before = project.refs()
    code, result = await project.run(PROTECTED, "--no-wait")
    assert (code, result["state"], result["protected"]) == (0, "waiting", [".github/workflows/ci.yml"])
    assert project.refs() == before
    (entry,) = [e for e in await project.entries(result["run"]) if e["kind"] == "decision"]
    assert "+on: push" in entry["body"]["arguments"]["diff"]

    code, early = await project.export(result["run"])
    assert (code, early["state"]) == (1, "waiting")
    await project.decide(result["ticket"], "approve")
    code, late = await project.export(result["run"])
    assert (code, late["state"]) == (0, "landed")
    assert project.refs().keys() - before.keys() == {f"refs/heads/{late['branch']}"}
    assert list((project.box.state / "quarantine").iterdir()) == []
    code, _ = await project.export(result["run"])
    assert code == 3, "it has left, so nothing waits"


async def test_what_a_person_denies_does_not_leave(project: Project) -> None:
    before = project.refs()
    _, result = await project.run("echo all: > Makefile; git add .; git commit -qm m", "--no-wait")
    await project.decide(result["ticket"], "deny")
    code, said = await project.export(result["run"])
    assert code != 0
    assert said.get("state", "") != "landed"
    assert project.refs() == before


async def test_who_waits_is_answered_and_who_interrupts_leaves_the_ticket(project: Project) -> None:
    options = ("--repo", str(project.repository), "--json")
    process = await project.box.begin(
        "sh", "-c", "echo 1 > setup.py; git add .; git commit -qm s", options=options, task="waits"
    )
    ticket = await _ticket(project, "setup.py")
    await project.decide(ticket, "approve")
    _, out, _ = await over(process)
    assert json.loads(out)["result"]["state"] == "landed"

    process = await project.box.begin("sh", "-c", "echo 1 > conftest.py; git add .; git commit -qm c", options=options)
    ticket = await _ticket(project, "conftest.py")
    os.killpg(process.pid, signal.SIGINT)
    code, out, _ = await over(process)
    result = json.loads(out)["result"]
    assert (code, result["state"], result["ticket"]) == (0, "waiting", ticket)
    assert ticket in [each["id"] for each in await project.box.people.pending()]


async def test_a_bundle_that_was_changed_while_it_waited_is_not_handed_over(project: Project) -> None:
    _, result = await project.run("echo 1 > setup.cfg; git add .; git commit -qm s", "--no-wait")
    await project.decide(result["ticket"], "approve")
    _, other = await project.run("echo 2 > setup.cfg; git add .; git commit -qm s", "--no-wait")
    shelf = project.box.state / "quarantine"
    (shelf / f"{result['run']}.bundle").write_bytes((shelf / f"{other['run']}.bundle").read_bytes())
    code, _ = await project.export(result["run"])
    assert code == 3


@pytest.mark.requirement("I6")
async def test_a_kill_while_it_waits_keeps_it_in(project: Project) -> None:
    before = project.refs()
    options = ("--repo", str(project.repository), "--json")
    process = await project.box.begin("sh", "-c", "echo 1 > tox.ini; git add .; git commit -qm t", options=options)
    ticket = await _ticket(project, "tox.ini")
    found = await project.box.people.approval(ticket)
    assert found is not None
    scope = {"kind": "run", "target": found["run"]}
    await project.box.people.done("POST", "/kill", {"scope": scope, "reason": "enough"})
    _, out, _ = await over(process)
    assert json.loads(out)["result"]["state"] in ("failed", "refused")
    assert project.refs() == before
    assert ticket not in [each["id"] for each in await project.box.people.pending()]


HUGE = r"""
{ printf 'commit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 1\nx\nfrom %s\n' $(git rev-parse HEAD)
  printf 'M 644 inline big\ndata 200000000\n'; head -c 200000000 /dev/zero; echo; } | git fast-import --quiet
"""


async def test_a_huge_file_in_a_small_bundle_is_refused_within_bounds(project: Project) -> None:
    """It was never a file of the box: it is written straight into a pack."""
    _, result = await project.run(HUGE)
    assert result["state"] == "refused"
    assert "200000000 bytes" in result["why"]


async def _ticket(project: Project, path: str) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for entry in await project.box.people.log():
                arguments = entry["body"].get("arguments", {}) if entry["decision"] == "ask" else {}
                if path in arguments.get("protected", []):
                    return str(entry["body"]["ticket"])
            await asyncio.sleep(0.05)
