"""Other processes, sockets and memory that are shared."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import either, exists, gone, heard, in_checkout, knows, says, troubled

ATTEMPTS = (
    Attempt(
        id="ipc-01",
        what="kill a process of the host by its number",
        script="os.kill(int(F['VICTIM']), 9)",
        escaped=gone("VICTIM"),
    ),
    Attempt(
        id="ipc-02",
        what="kill it by a descriptor of it, and take a descriptor out of it",
        script=(
            "held = os.pidfd_open(int(F['SECOND_VICTIM']))\n"
            "if tried(438, held, 3, 0) >= 0:\n    escaped('its descriptor')\n"
            "import signal; signal.pidfd_send_signal(held, 9)"
        ),
        escaped=either(says, gone("SECOND_VICTIM")),
    ),
    Attempt(
        id="ipc-03",
        what="trace a process of the host, and those of the box that are not its children",
        script=(
            "for pid in (int(F['VICTIM']), 1, os.getppid()):\n"
            "    if tried(101, 16, pid, 0, 0) == 0:\n        escaped(f'attached to {pid}'); tried(101, 17, pid, 0, 0)\n"
            "child = subprocess.Popen(['/bin/sleep', '5'])\n"
            "if tried(101, 0x4206, child.pid, 0, 0) == 0:\n    escaped('seized a child')\n"
            "child.kill()"
        ),
        escaped=says,
    ),
    Attempt(
        id="ipc-04",
        what="connect to a daemon's unix socket",
        script="s = socket.socket(socket.AF_UNIX); s.connect(F['UNIX']); said(s, MARK.encode())",
        escaped=heard("unix"),
    ),
    Attempt(
        id="ipc-05",
        what="connect to a socket that lives in the checkout",
        script="s = socket.socket(socket.AF_UNIX); s.connect('./live.sock'); said(s, MARK.encode()); escaped()",
        escaped=either(says, heard("checkout")),
        repo=True,
    ),
    Attempt(
        id="ipc-06",
        what="connect to an abstract socket (CVE-2020-15257)",
        script="s = socket.socket(socket.AF_UNIX); s.connect('\\0ringfence-escapes'); said(s, MARK.encode())",
        escaped=heard("abstract"),
    ),
    Attempt(
        id="ipc-07",
        what="list and attach System V shared memory",
        script=(
            "print(open('/proc/sysvipc/shm').read())\n"
            "libc.shmat.restype = ctypes.c_void_p\n"
            "at = libc.shmat(int(F['SHM_ID']), None, 0o10000)\n"
            "if at not in (None, 2**64 - 1):\n    print(ctypes.string_at(at, 64))"
        ),
        escaped=knows("SYSV_SECRET"),
    ),
    Attempt(
        id="ipc-08",
        what="open a POSIX message queue of the host",
        script="if libc.syscall(240, F['QUEUE'].encode(), 0, 0, None) >= 0:\n    escaped('opened')",
        escaped=says,
    ),
    Attempt(
        id="ipc-10",
        what="a daemon that writes after the run, three forks deep",
        script=(
            "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        if os.fork() == 0:\n"
            "            os.closerange(0, 200)\n            libc.prctl(1, 0); time.sleep(1.5)\n"
            "            for path in (F['OUT'] + '/' + ID, ID):\n                quietly(writer, path)\n"
            "            time.sleep(20)\n"
            "        os._exit(0)\n    os._exit(0)\n"
            "print('the daemon is away')"
        ),
        escaped=either(exists("{OUT}/{ID}"), lambda after: "a process lives on" if after.trouble else ""),
        alone=True,
    ),
    Attempt(
        id="ipc-11",
        what="kill everything that can be killed",
        script="os.kill(-1, 9)",
        escaped=either(gone("VICTIM"), troubled),
        no_control="it would end the tests",
        alone=True,
    ),
    Attempt(
        id="ipc-12",
        what="enter the namespaces of another process",
        script=(
            "for pid in (F['VICTIM'], '1'):\n    for kind in ('user', 'mnt', 'net', 'pid', 'ipc', 'uts', 'cgroup'):\n"
            "        at = quietly(os.open, f'/proc/{pid}/ns/{kind}', os.O_RDONLY)\n"
            "        if at is not None and tried(308, at, 0) == 0:\n            escaped(f'{pid} {kind}')"
        ),
        escaped=says,
        no_user_control="an ordinary user may not enter namespaces",
    ),
    Attempt(
        id="ipc-13",
        what="use the gateway's sockets: adopt a box, be an operator",
        script=(
            "for name in ('boxes.sock', 'control.sock', 'agents.sock'):\n"
            "    s = socket.socket(socket.AF_UNIX)\n"
            "    if quietly(lambda: s.connect(F['STATE'] + '/' + name) or 1):\n        escaped(name)"
        ),
        escaped=says,
    ),
    Attempt(
        id="ipc-14",
        what="pass a descriptor out over the inner listener, and ask for one",
        script=(
            "import array\n"
            "s = door()\n"
            "s.settimeout(3)\n"
            "try:\n"
            "    s.sendmsg([b'GET /mcp HTTP/1.1\\r\\nHost: 127.0.0.1:7410\\r\\n\\r\\n'], [(1, 1, array.array('i', [0]))])\n"
            "    data, rights, *_ = s.recvmsg(65536, 1024)\n"
            "    print(data[:200], rights)\n"
            "    if rights:\n        escaped(rights)\n"
            "except OSError as error:\n    print(error)"
        ),
        escaped=says,
        no_control="descriptors do not go over TCP anywhere; it is tried because the listener itself was passed as one",
    ),
    Attempt(
        id="ipc-15",
        what="type into the operator's terminal (CVE-2017-5226)",
        script=(
            "import fcntl, termios\n"
            "for number in (0x5412, 0x5412 | 1 << 32, 0x541C):\n"
            "    for each in f'{MARK}\\n':\n"
            "        held = ctypes.create_string_buffer(each.encode())\n"
            "        if libc.syscall(16, 0, ctypes.c_ulong(number), held) == 0:\n"
            "            escaped(hex(number)); break\n"
            "if quietly(os.open, '/dev/tty', os.O_RDWR) is not None:\n    escaped('/dev/tty')"
        ),
        escaped=says,
        terminal=True,
    ),
    Attempt(
        id="ipc-16",
        what="stop the box's own first process, so that nobody reaps or ends it",
        script="import signal\nfor each in (signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM):\n    quietly(os.kill, 1, each)\ntime.sleep(0.2)\nprint(reader('/proc/1/stat'))\nif reader('/proc/1/stat').rpartition(')')[2].split()[0] == 'T':\n    escaped('stopped')",
        escaped=either(says, troubled),
        no_control="the first process of a machine is protected by the kernel in the same way",
        alone=True,
    ),
    Attempt(
        id="ipc-17",
        what="lock a file that the gateway or another run waits for",
        script="import fcntl\nwith open(F['STATE'] + '/lock', 'a') as file:\n    escaped('opened its lock')",
        escaped=says,
    ),
    Attempt(
        id="ipc-18",
        what="live on in another session and process group, ignoring every signal",
        script=(
            "import signal\n"
            "if os.fork() == 0:\n    os.setsid()\n    os.setpgid(0, 0) if False else None\n"
            "    for each in range(1, 65):\n        quietly(lambda: signal.signal(each, signal.SIG_IGN))\n"
            "    os.closerange(0, 200)\n    time.sleep(1.5)\n    writer(F['OUT'] + '/' + ID)\n    time.sleep(20)\n    os._exit(0)"
        ),
        escaped=either(exists("{OUT}/{ID}"), lambda after: "a process lives on" if after.trouble else ""),
        alone=True,
    ),
    Attempt(
        id="ipc-19",
        what="leave a socket or FIFO in the result, so that a tool of the host hangs on it or talks to it",
        script="os.mkfifo('README2'); s = socket.socket(socket.AF_UNIX); s.bind('left.sock'); sh('git add -A -f; git commit -qm x')",
        escaped=either(in_checkout("README2"), in_checkout("left.sock")),
        repo=True,
    ),
)
