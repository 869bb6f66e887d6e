"""A machine of the tests' own: this one with a network, names and a resolver of its own, in namespaces.

`python -m tests.escapes.machine FOLDER UID -- COMMAND` is run as the first process of the new namespaces: it gives `lo` its
addresses, shows the names' server to everybody, becomes the ordinary user where one is asked for, and executes the command.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
STRANGER = 61_234
"""An ordinary user that no account belongs to."""
OWN, EVIL, PUBLIC = "10.77.0.1", "10.77.0.2", "198.51.100.9"
"""Addresses of the machine, besides loopback."""
DEADLINE_S = 1800
_SIOCSIFADDR, _SIOCSIFFLAGS, _UP = 0x8916, 0x8914, 1


def interpreter(*, stranger: bool) -> str:
    """One that is of this version and that the user may execute."""
    if not stranger or _executes(sys.executable):
        return sys.executable
    found = f"/usr/bin/python3.{sys.version_info.minor}"
    if not _executes(found):
        raise SystemExit(
            f"no interpreter of this version that an ordinary user may execute: neither {sys.executable} nor {found}"
        )
    return found


def _executes(program: str) -> bool:
    try:
        ran = subprocess.run(
            [program, "-c", ""], user=STRANGER, group=STRANGER, extra_groups=[], cwd="/", capture_output=True, check=False
        )
    except OSError:
        return False
    return ran.returncode == 0


def paths() -> str:
    """Where the code of the tests, of ringfence and of what it needs lies."""
    return ":".join([str(ROOT), str(ROOT / "src"), *(path for path in sys.path if path.endswith("site-packages"))])


def command_on(folder: Path, command: Sequence[str], *, stranger: bool) -> list[str]:
    """A command as it is executed on such a machine. An ordinary caller is the ordinary user; root becomes one."""
    enter = ["unshare", "--net", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        enter = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    user = STRANGER if stranger and os.geteuid() == 0 else os.geteuid()
    return [*enter, sys.executable, "-m", "tests.escapes.machine", str(folder), str(user), "--", *command]


def environment() -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": paths(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }


def on_a_machine(folder: Path, module: str, *arguments: str, user: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the tests on a machine of its own, as `root` or as an ordinary `user`, in a folder of that user's."""
    stranger = user == "user"
    folder.chmod(0o755)
    own = folder / "own"
    own.mkdir(mode=0o711)
    if stranger and os.geteuid() == 0:
        os.chown(own, STRANGER, STRANGER)
    command = [interpreter(stranger=stranger), "-m", module, str(own), *arguments]
    return subprocess.run(
        command_on(folder, command, stranger=stranger), env=environment(), capture_output=True, text=True, timeout=DEADLINE_S,
        cwd="/", check=False,
    )  # fmt: skip


def main() -> None:
    folder, user, command = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[4:]
    mapped = Path("/proc/self/uid_map").read_text("ascii").split()[2] == "1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP))
        for number, address in enumerate((OWN, EVIL, PUBLIC), 1):
            given = struct.pack("16sHH4s8x", f"lo:{number}".encode(), socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(any_socket, _SIOCSIFADDR, given)
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0", "ascii")
    for name, text in (("hosts", "127.0.0.1 localhost\n"), ("resolv.conf", "nameserver 127.0.0.1\n"), ("nsswitch.conf", "passwd: files\nhosts: files dns\n")):  # fmt: skip
        made = folder / name
        made.write_text(text, "ascii")
        made.chmod(0o644)
        subprocess.run(["mount", "--bind", str(made), f"/etc/{name}"], check=True)
    if mapped:
        os.execvp("unshare", ["unshare", "--user", f"--map-user={user}", f"--map-group={user}", *command])
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
