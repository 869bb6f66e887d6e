"""Doors into the kernel. Numbers are those of x86_64."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import says

GETS_IN = "if tried({call}) >= 0:\n    escaped()"


def call(id_: str, what: str, arguments: str, no_user_control: str = "") -> Attempt:
    return Attempt(id=id_, what=what, script=GETS_IN.format(call=arguments), escaped=says, no_user_control=no_user_control)


ATTEMPTS = (
    Attempt(
        id="sys-01",
        what="a user namespace",
        script="if 'made' in sh('unshare -Ur echo made') or os.fork() == 0 and tried(272, 0x10000000) == 0:\n    escaped()",
        escaped=says,
    ),
    call("sys-02", "a mount namespace", "272, 0x20000", no_user_control="only root may"),
    Attempt(
        id="sys-03",
        what="clone3 and clone with a new user namespace",
        script=(
            "import struct\n"
            "given = struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0)\n"
            "for number, arguments in ((435, (given, 64)), (56, (0x10000000 | 17, 0, 0, 0, 0)), (56, (0x10000011 | 1 << 33, 0, 0, 0, 0))):\n"
            "    answer = tried(number, *arguments)\n"
            "    if answer == 0:\n        os._exit(0)\n"
            "    if answer > 0:\n        escaped(number)"
        ),
        escaped=says,
    ),
    call("sys-04", "an io_uring", "425, 2, bytes(120)"),
    call(
        "sys-05",
        "a BPF map",
        "321, 0, bytes([2, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0]) + bytes(112), 128",
        no_user_control="unprivileged BPF is off",
    ),
    call("sys-06", "userfaultfd", "323, 1"),
    call(
        "sys-07",
        "perf_event_open",
        "298, bytes([1, 0, 0, 0, 120, 0, 0, 0]) + bytes(32) + bytes([0x61, 0, 0, 0, 0, 0, 0, 0]) + bytes(72), 0, -1, -1, 0",
    ),
    call("sys-08", "a key in the user's keyring", "248, b'user', b'ringfence-escapes', b'x', 1, -4"),
    call("sys-09", "another session keyring", "250, 1, b'ringfence'"),
    call("sys-10", "a new file system context", "430, b'tmpfs', 0", no_user_control="only root may"),
    Attempt(
        id="sys-11",
        what="netfilter, audit and generic netlink; the family hidden in the upper half",
        script=(
            "for family, protocol in ((16, 12), (16, 9), (16, 16), (16 | 1 << 40, 12), (16, 12 | 1 << 40)):\n"
            "    if tried(41, family, 3, protocol) >= 0:\n        escaped((family, protocol))"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-12",
        what="no_new_privs is not set",
        script="if libc.prctl(39, 0, 0, 0, 0) != 1:\n    escaped()",
        escaped=says,
    ),
    Attempt(
        id="sys-13",
        what="raw, packet, vsock, Bluetooth, kernel crypto sockets",
        script=(
            "for family, kind, protocol in ((17, 3, 0), (17, 2, 0), (2, 3, 1), (10, 3, 58), (40, 1, 0), (31, 3, 0), (38, 5, 0), (44, 3, 0), (2, 10, 0)):\n"
            "    if tried(41, family, kind, protocol) >= 0:\n        escaped((family, kind))"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-14",
        what="no filter is active: in this process, its parent, the first one",
        script="for pid in ('self', '1', os.getppid()):\n    if 'Seccomp:\\t2' not in reader(f'/proc/{pid}/status'):\n        escaped(pid)",
        escaped=says,
    ),
    Attempt(
        id="sys-15",
        what="a program that has no name (memfd), to be rid of the filter",
        script=(
            "held = os.memfd_create('x')\n"
            "os.write(held, open('/usr/bin/grep', 'rb').read())\n"
            "ran = subprocess.run(['/usr/bin/grep', '-c', 'Seccomp:.2', '/proc/self/status'], executable=f'/proc/self/fd/{held}',\n"
            "                     pass_fds=(held,), capture_output=True, text=True)\n"
            "print(ran)\n"
            "if ran.stdout.strip() == '0':\n    escaped('it runs without')"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-16",
        what="become root by a setuid program",
        script=(
            "for program in ('/usr/bin/su', '/usr/bin/mount', '/usr/bin/passwd', '/usr/bin/newuidmap', '/usr/bin/chsh'):\n"
            "    if os.path.exists(program) and os.stat(program).st_mode & 0o4000:\n"
            "        child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
            "        time.sleep(0.05)\n"
            "        uid = [line.split()[2] for line in reader(f'/proc/{child.pid}/status').splitlines() if line.startswith('Uid')]\n"
            "        child.kill(); child.wait()\n"
            "        print(program, uid)\n"
            "        if uid == ['0']:\n            escaped(program)\n"
            "if os.geteuid() == 0 or tried(105, 0) == 0:\n    escaped('setuid')"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-17",
        what="system calls of the 32-bit kind, whose numbers mean something else",
        script=(
            "import mmap\n"
            "if os.uname().machine == 'x86_64':\n"
            "    page = mmap.mmap(-1, 4096, prot=7)\n"
            "    page.write(bytes.fromhex('53b836010000bb00000010cd805bc3'))  # unshare(CLONE_NEWUSER)\n"
            "    at = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
            "    if os.fork() == 0:\n"
            "        os._exit(0 if ctypes.CFUNCTYPE(ctypes.c_int)(at)() == 0 else 1)\n"
            "    status = os.wait()[1]\n    print(status)\n    if status == 0:\n        escaped()"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-18",
        what="system calls of the x32 kind",
        script="if tried(0x40000000 | 272, 0x10000000) == 0:\n    escaped()",
        escaped=says,
        no_control="few kernels have it; it is refused whether they have or not",
    ),
    Attempt(
        id="sys-19",
        what="leave the root: chroot, pivot_root, a directory held open from outside",
        script=(
            "os.makedirs('r', exist_ok=True)\n"
            "if tried(161, b'r') == 0:\n    escaped('chroot')\n"
            "for pid in (1, os.getppid()):\n"
            "    at = quietly(os.open, f'/proc/{pid}/cwd', os.O_RDONLY)\n"
            "    if at is not None and os.path.exists(f'/proc/self/fd/{at}/' + '../' * 12 + F[\"OUT\"]):\n        escaped(pid)"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-20",
        what="take the filter off: a second filter, a debugger's view, another personality",
        script=(
            "tried(317, 1, 0, 0); libc.prctl(22, 0); tried(135, 0x0200000)\n"
            "print(libc.prctl(38, 0, 0, 0, 0))\n"
            "if libc.prctl(39, 0, 0, 0, 0) != 1 or 'Seccomp:\\t0' in reader('/proc/self/status'):\n    escaped()"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-21",
        what="have a capability: in any set, after any call",
        script=(
            "sets = [line.split()[1] for line in reader('/proc/self/status').splitlines() if line.startswith('Cap')]\n"
            "print(sets)\nif any(int(each, 16) for each in sets):\n    escaped(sets)"
        ),
        escaped=says,
    ),
    Attempt(
        id="sys-22",
        what="read the memory of another process directly",
        script=(
            "import struct\n"
            "child = subprocess.Popen(['/bin/sleep', '5'])\ntime.sleep(0.1)\n"
            "line = next((line for line in reader(f'/proc/{child.pid}/maps').splitlines() if 'r--p' in line or 'rw-p' in line), '')\n"
            "start = int(line.split('-')[0], 16)\n"
            "held = ctypes.create_string_buffer(64)\n"
            "ours, theirs = struct.pack('2Q', ctypes.addressof(held), 64), struct.pack('2Q', start, 64)\n"
            "if tried(310, child.pid, ours, 1, theirs, 1, 0) > 0:\n    escaped()\nchild.kill()"
        ),
        escaped=says,
    ),
)
