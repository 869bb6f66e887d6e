"""What a box gives to the command in it."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import replace

from tests.contract.sandbox_world import PYTHON, STRANGER, SandboxWorld, git, text_of

from ringfence.core.model.box import Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import Workspace, WorkspaceKind

PORT = 8080


async def the_listener_is_there_before_the_command(world: SandboxWorld) -> None:
    script = f"import socket; s = socket.create_connection(('127.0.0.1', {PORT}), 10); s.sendall(b'inside'); print(s.recv(9))"
    output, sink = os.pipe()
    async with world.box(PYTHON, "-I", "-c", script, listener_port=PORT, stdio=(0, sink, 2)) as box:
        os.close(sink)
        assert box.listener is not None
        with socket.socket(fileno=box.listener) as listener:
            listener.setblocking(False)
            box.release()
            loop = asyncio.get_running_loop()
            connection, _ = await asyncio.wait_for(loop.sock_accept(listener), 20)
            with connection:
                assert await loop.sock_recv(connection, 100) == b"inside"
                await loop.sock_sendall(connection, b"outside")
            assert (await box.wait()).code == 0
    assert os.read(output, 100) == b"b'outside'\n"
    os.close(output)


async def what_is_shown_can_be_read_and_not_written(world: SandboxWorld) -> None:
    shown = world.folder / "shown"
    shown.mkdir()
    (shown / "file").write_text("seen")
    profile = world.profile
    ran = await world.shell(
        f"cat {shown}/file; echo; echo x > {shown}/file || echo kept", profile=replace(profile, shows=(str(shown),))
    )
    assert ran.out.split() == ["seen", "kept"]
    assert (shown / "file").read_text() == "seen"


async def given_files_lie_in_its_etc(world: SandboxWorld) -> None:
    ran = await world.shell(
        "cat /etc/ringfence/ca.pem /etc/ssl/certs/ca-certificates.crt; echo $SSL_CERT_FILE $HTTPS_PROXY",
        files={"ca.pem": b"authority\n"},
        listener_port=PORT,
    )
    assert ran.out.splitlines() == ["authority", "authority", f"/etc/ringfence/ca.pem http://127.0.0.1:{PORT}"]


async def a_clone_has_no_remote_and_no_hooks(world: SandboxWorld) -> None:
    repository = world.folder / "repository"
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\ntouch /tmp/hooked\n")
    hook.chmod(0o755)
    git(str(repository), "init", "-q", "-b", "main")
    (repository / "a.txt").write_text("one\n")
    git(str(repository), "add", "a.txt")
    git(str(repository), "commit", "-q", "-m", "first")
    git(str(repository), "remote", "add", "origin", "https://user:hunter2@example.com/x.git")
    script = (
        "cat a.txt; git remote | wc -l; grep -c hunter2 .git/config; ls -A .git/hooks 2>/dev/null | wc -l;"
        "ls /proc/self/fd | wc -l;"
        "test -e .git/objects/info/alternates && echo shared; test -e /tmp/hooked && echo hooked;"
        "echo two >> a.txt; git commit -qam second && git log --format=%an%s"
    )
    ran = await world.run("bash", "-c", script, workspace=Workspace(kind=WorkspaceKind.CLONE, source=str(repository)))
    assert ran.out.split() == ["one", "0", "0", "0", "4", "agentsecond", "testerfirst"], ran
    assert (repository / "a.txt").read_text() == "one\n"


async def a_folder_of_the_host_can_be_the_workspace(world: SandboxWorld) -> None:
    workspace = world.folder_for_a_box()
    ran = await world.shell("echo written > file; pwd", workspace=workspace)
    assert ran.out.split() == ["/work"], ran
    made, folder = os.stat(f"{workspace.source}/file"), os.stat(workspace.source or "")
    assert (made.st_uid, made.st_gid) == (folder.st_uid, folder.st_gid)
    assert text_of(f"{workspace.source}/file") == "written\n"


async def what_is_hidden_is_in_no_box_by_any_way(world: SandboxWorld) -> None:
    """The world's own state stands in for the gateway's."""
    state = world.folder / "state"
    (world.folder / "link").symlink_to(state)
    whole = Workspace(kind=WorkspaceKind.FOLDER, source=str(world.folder))
    if os.geteuid() == 0:
        os.chown(world.folder, STRANGER, STRANGER)
    refused: list[str] = []
    for changes in (
        {"workspace": whole},
        {"profile": replace(world.profile, shows=(str(state),))},
        {"profile": replace(world.profile, shows=(str(state / "boxes"),))},
        {"profile": replace(world.profile, shows=(str(world.folder / "link"),))},
    ):
        try:
            await world.run("true", **changes)
        except UnavailableError as error:
            refused.append(str(error))
    assert len([said for said in refused if "no box may see" in said]) == 4, refused


async def less_than_the_profile_needs_is_refused(world: SandboxWorld) -> None:
    needs = replace(world.profile, needs=frozenset({Layer.SIZED_WORKSPACE}))
    refused = None
    try:
        await world.run("true", profile=needs, workspace=world.folder_for_a_box())
    except UnavailableError as error:
        refused = error
    assert refused is not None, "a box began with less than its profile needs"
    assert "sized_workspace" in str(refused)
    assert refused.remedy


async def input_and_output_pass_through_the_given_descriptors(world: SandboxWorld) -> None:
    (source, feed), (output, sink) = os.pipe(), os.pipe()
    async with world.box("cat", stdio=(source, sink, 2)) as box:
        os.close(source)
        os.close(sink)
        box.release()
        os.write(feed, b"hello")
        os.close(feed)
        assert (await box.wait()).code == 0
    assert os.read(output, 100) == b"hello"
    os.close(output)
