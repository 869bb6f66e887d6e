"""What no box lets through, asserted from inside it."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import tempfile
import termios
from dataclasses import replace
from pathlib import Path

from tests.contract.sandbox_world import PYTHON, SandboxWorld

from ringfence.adapters.sandbox.bubblewrap.sandbox import BWRAP, BubblewrapSandbox
from ringfence.errors import UnavailableError


async def the_environment_is_made_from_nothing(world: SandboxWorld) -> None:
    os.environ["PRODUCTION_TOKEN"] = "hunter2"
    ran = await world.shell("env; cat /proc/1/environ /proc/*/environ | tr '\\0' '\\n'", environment={"GIVEN": "1"})
    assert "hunter2" not in ran.out
    names = {line.partition("=")[0] for line in ran.out.splitlines()}
    assert names <= {"PATH", "HOME", "LANG", "USER", "LOGNAME", "TMPDIR", "GIVEN", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "GIVEN=1" in ran.out.splitlines()
    assert (await world.shell("wc -c < /proc/1/environ")).out.strip() == "0"


async def no_descriptor_is_inherited(world: SandboxWorld) -> None:
    leaked = os.open("/", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    ran = await world.python("import os; print(*sorted(os.listdir('/proc/self/fd'), key=int))")
    os.close(leaked)
    assert ran.out.split() == ["0", "1", "2", "3"], "the fourth is the listing itself"


async def a_file_that_is_a_stream_cannot_be_opened_anew(world: SandboxWorld) -> None:
    """As `ringfence run ... < question >> log` has it: what was given for reading, and what for appending."""
    question, log = world.folder / "question", world.folder / "log"
    for file, text in ((question, "theirs\n"), (log, "earlier\n")):
        file.write_text(text)
        file.chmod(0o666)
    with question.open() as reading, log.open("a") as appending:
        script = (
            "read line; echo $line; echo and >&2; for n in 0 1 2; do echo x > /proc/self/fd/$n; true > /proc/self/fd/$n; done"
        )
        command = ("/bin/sh", "-c", f"{script} 2>/dev/null; exit 7")
        async with world.box(*command, stdio=(reading.fileno(), appending.fileno(), appending.fileno())) as box:
            box.release()
            assert (await box.wait()).code == 7
            assert log.read_text().startswith("earlier\ntheirs\nand\n"), "it is there when the box has ended"
    assert question.read_text() == "theirs\n"


async def a_folder_that_is_a_stream_leads_nowhere(world: SandboxWorld) -> None:
    folder = os.open(world.folder, os.O_RDONLY)
    with tempfile.TemporaryFile() as out:
        async with world.box("/bin/sh", "-c", "ls /proc/self/fd/0/..", stdio=(folder, out.fileno(), out.fileno())) as box:
            box.release()
            assert (await box.wait()).code != 0
    os.close(folder)


async def a_link_that_a_box_has_left_shows_nothing_to_the_next(world: SandboxWorld) -> None:
    workspace = world.folder_for_a_box()
    private = world.folder / "private"
    private.mkdir()
    (private / "key").write_text("hunter2")
    shown = f"{workspace.source}/tools"
    profile = replace(world.profile, shows=(shown,))
    await world.shell("mkdir tools", workspace=workspace)
    assert (await world.shell(f"ls {shown}", workspace=workspace, profile=profile)).end.code == 0
    await world.shell(f"rmdir tools && ln -s {private} tools", workspace=workspace)
    said = ""
    try:
        said = (await world.shell(f"cat {shown}/key", workspace=workspace, profile=profile)).out
    except UnavailableError as error:
        said = str(error)
    assert "leads to" in said


async def a_link_that_another_box_puts_there_while_one_is_made_shows_nothing(world: SandboxWorld) -> None:
    workspace = world.folder_for_a_box()
    private = world.folder / "private"
    private.mkdir()
    (private / "key").write_text("hunter2")
    shown = f"{workspace.source}/tools"
    profile = replace(world.profile, shows=(shown,))
    await world.shell("mkdir tools", workspace=workspace)
    late = world.folder / "bwrap"
    swap = f"cd {workspace.source} && /bin/mv tools were && /bin/ln -s {private} tools"
    late.write_text(f'#!/bin/sh\n{swap}\nexec {BWRAP} "$@"\n')
    late.chmod(0o755)
    sandbox = BubblewrapSandbox(folder=world.folder / "late", bwrap=late, python=Path(PYTHON))
    said = ""
    try:
        other = replace(world, sandbox=sandbox)
        said = (await other.shell(f"cat {shown}/key", workspace=workspace, profile=profile)).out
    except UnavailableError as error:
        said = str(error)
    finally:
        sandbox.close()
    assert os.readlink(shown) == str(private), "it was put there"
    assert "became another thing" in said, said


async def what_is_written_to_a_file_is_bounded_outside_too(world: SandboxWorld) -> None:
    with tempfile.TemporaryFile() as out:
        async with world.box("/usr/bin/head", "-c", "8000000", "/dev/zero", stdio=(0, out.fileno(), 2)) as box:
            box.release()
            await box.wait()
        assert os.fstat(out.fileno()).st_size == 2 << 20


async def the_kernel_says_that_the_layers_are_on(world: SandboxWorld) -> None:
    ran = await world.shell("cat /proc/self/status; grep -E '^(Cap...|Seccomp):' /proc/1/status")
    said = dict(line.split(":\t", 1) for line in ran.out.splitlines() if ":\t" in line)
    assert (said["Seccomp"], said["NoNewPrivs"]) == ("2", "1")
    assert {int(said[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert said["Uid"].split() == ["1000"] * 4
    first = ran.out.splitlines()[-6:]
    assert first[-1] == "Seccomp:\t2", "the first process of the box can be written by the others, and has no more than they"
    assert {int(line.split()[1], 16) for line in first[:5]} == {0}


async def every_namespace_is_its_own(world: SandboxWorld) -> None:
    kinds = ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup")
    ran = await world.shell("for n in " + " ".join(kinds) + "; do readlink /proc/self/ns/$n; done; hostname; ls /proc")
    lines = ran.out.splitlines()
    assert not set(lines[: len(kinds)]) & {os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}
    assert lines[len(kinds)] == "box"
    assert sum(line.isdecimal() for line in lines[len(kinds) :]) < 6


async def no_further_namespace_can_be_made(world: SandboxWorld) -> None:
    for kind in ("-Ur", "-m", "-n", "-p"):
        assert (await world.run("unshare", kind, "true")).end.code != 0
    ran = await world.python(
        "import ctypes, errno, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "for number, arguments in ((56, (0x10000000 | 17, 0)), (435, (0, 0)), (272, (0,)), (425, (1, 0)), (248, (0, 0))):\n"
        "    print(errno.errorcode[ctypes.get_errno()] if libc.syscall(number, *arguments) < 0 else 'done')\n"
    )
    if os.uname().machine == "x86_64":
        assert ran.out.split() == ["EPERM", "ENOSYS", "EPERM", "EPERM", "EPERM"], ran


async def sockets_of_other_families_are_refused(world: SandboxWorld) -> None:
    ran = await world.python(
        "import errno, socket\n"
        "for f, t, p in ((17, 3, 0), (40, 1, 0), (38, 5, 0), (16, 3, 12), (2, 3, 1), (1, 1, 0), (2, 2, 0), (10, 1, 0),"
        "    (16, 3, 0)):\n"
        "    try:\n"
        "        socket.socket(f, t, p).close(); print('made')\n"
        "    except OSError as error:\n"
        "        print(errno.errorcode[error.errno])\n"
    )
    assert ran.out.split() == ["EAFNOSUPPORT"] * 3 + ["EPERM"] * 2 + ["made"] * 4, ran


async def there_is_no_way_out(world: SandboxWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = await world.python(
            "import errno, socket, sys\n"
            "for address in (('192.0.2.1', 80), ('127.0.0.1', int(sys.argv[1]))):\n"
            "    try:\n"
            "        socket.create_connection(address, 2)\n"
            "    except OSError as error:\n"
            "        print(errno.errorcode[error.errno])\n"
            "print(len(open('/proc/net/route').readlines()))\n",
            str(port),
        )
    assert ran.out.split() == ["ENETUNREACH", "ECONNREFUSED", "1"], "the head of the table alone"
    assert (await world.shell("getent hosts example.com")).end.code != 0


async def nothing_of_the_host_is_seen_or_written(world: SandboxWorld) -> None:
    secret = world.folder / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o644)
    ran = await world.shell(
        f"cat {secret} /proc/1/root{secret}; ls -A /home /root /var /run /sys /boot 2>/dev/null | wc -l;"
        "cut -d: -f1 /etc/passwd;"
        "for p in / /etc /usr /usr/bin /dev /proc /etc/ringfence; do touch $p/x 2>/dev/null && echo wrote $p; done;"
        "echo x > /proc/sys/kernel/hostname && echo wrote sysctl; chmod 666 /dev/null && echo wrote device;"
        "touch /work/x /tmp/x $HOME/x /dev/shm/x && echo room; ls /work"
    )
    assert ran.out.splitlines() == ["0", "agent", "nobody", "room", "x"], ran


async def a_terminal_of_the_operator_is_not_its_own(world: SandboxWorld) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    leader, terminal = os.openpty()
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    script = (
        "import errno, fcntl, os, termios\n"
        "print(os.isatty(0), os.getsid(0) != os.getpgid(0))\n"
        "for attempt in (lambda: fcntl.ioctl(0, termios.TIOCSTI, b'x'), lambda: os.open('/dev/tty', os.O_RDWR)):\n"
        "    try:\n        attempt(); print('done')\n"
        "    except OSError as error:\n        print(errno.errorcode[error.errno])\n"
    )
    output, sink = os.pipe()
    async with world.box(PYTHON, "-I", "-c", script, stdio=(terminal, sink, 2)) as box:
        os.close(sink)
        box.release()
        assert (await box.wait()).code == 0
    assert os.read(output, 1000).decode().split()[2:] == ["EPERM", "ENXIO"]
    for descriptor in (leader, terminal, output):
        os.close(descriptor)
