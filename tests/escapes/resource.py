"""Using up what others need."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import at_least

MIB = 1024 * 1024
PER_PROCESS = "an ordinary user has no cgroup here: memory is bounded for each process alone, which docs/sandbox.md says"

ATTEMPTS = (
    Attempt(
        id="res-01",
        what="400 processes at once",
        script=(
            "living = []\n"
            "try:\n    for _ in range(400):\n        pid = os.fork()\n        if pid == 0:\n            time.sleep(30); os._exit(0)\n        living.append(pid)\n"
            "finally:\n    print('GOT', len(living), flush=True)\n    for pid in living:\n        os.kill(pid, 9)\n    for pid in living:\n        os.waitpid(pid, 0)"
        ),
        escaped=at_least(400),
        alone=True,
    ),
    Attempt(
        id="res-02",
        what="touch 1 GiB in one process",
        script="held = []\nfor n in range(1, 65):\n    held.append(bytearray(b'x' * 16777216)); print('GOT', n * 16, flush=True)",
        escaped=at_least(1024),
        alone=True,
    ),
    Attempt(
        id="res-03",
        what="write 600 MB to the workspace",
        script=(
            "total = 0\ntry:\n    for n in range(60):\n        with open(f'big{n}', 'wb') as file:\n            file.write(b'x' * 10_000_000)\n        total += 10\n        print('GOT', total, flush=True)\n"
            "finally:\n    for n in range(60):\n        quietly(os.unlink, f'big{n}')"
        ),
        escaped=at_least(600),
        alone=True,
    ),
    Attempt(
        id="res-04",
        what="a million files of no length",
        script=(
            "count = 0\nos.makedirs('many')\ntry:\n    for n in range(60_000):\n        os.close(os.open(f'many/{n}', os.O_CREAT | os.O_WRONLY)); count += 1\n"
            "finally:\n    print('GOT', count, flush=True)"
        ),
        escaped=at_least(60_000),
        alone=True,
        slow=True,
    ),
    Attempt(
        id="res-05",
        what="1 GiB in shared memory and files without a name, over many processes",
        script=(
            "children = []\nr, w = os.pipe()\n"
            "for _ in range(8):\n    if os.fork() == 0:\n        import mmap\n        held = []\n        for _ in range(8):\n"
            "            page = mmap.mmap(-1, 16777216); page.write(b'x' * 16777216); held.append(page); os.write(w, b'x')\n        time.sleep(8); os._exit(0)\n"
            "os.close(w)\nimport select\ncount = 0\nend = time.time() + 7\n"
            "while time.time() < end and select.select([r], [], [], max(0, end - time.time()))[0]:\n    got = os.read(r, 100)\n    if not got:\n        break\n    count += len(got)\n"
            "    print('GOT', count * 16, flush=True)"
        ),
        escaped=at_least(1024),
        root_only=PER_PROCESS,
        alone=True,
        slow=True,
    ),
    Attempt(
        id="res-06",
        what="open 5,000 descriptors",
        script="import resource\nquietly(resource.setrlimit, resource.RLIMIT_NOFILE, (6000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\nheld = []\ntry:\n    while len(held) < 5000:\n        held.append(os.open('/dev/null', 0))\nfinally:\n    print('GOT', len(held), flush=True)",
        escaped=at_least(5000),
    ),
    Attempt(
        id="res-07",
        what="fill /tmp, /dev/shm, /dev and every other place that can be written",
        script=(
            "total = 0\nimport tempfile\n"
            "for place in ('/tmp', '/dev/shm', '/dev', '/run', '/var/tmp', '/etc', '/'):\n"
            "    here, names = 0, []\n"
            "    try:\n        for n in range(30):\n            with open(f'{place}/{MARK}{n}', 'wb') as file:\n                names.append(file.name); file.write(b'x' * 10_000_000)\n            here += 10\n"
            "    except OSError as error:\n        print(place, here, error)\n"
            "    total = max(total, here)\n    for name in names:\n        quietly(os.unlink, name)\n"
            "print('GOT', total)"
        ),
        escaped=at_least(300),
        alone=True,
    ),
    Attempt(
        id="res-08",
        what="raise a limit again",
        script=(
            "import resource\ncount = 0\n"
            "for kind, value in ((resource.RLIMIT_NOFILE, 10_000), (resource.RLIMIT_NPROC, 10_000), (resource.RLIMIT_FSIZE, 1 << 40),\n"
            "                    (resource.RLIMIT_DATA, 1 << 40), (resource.RLIMIT_MEMLOCK, 1 << 21)):\n"
            "    if quietly(lambda: resource.setrlimit(kind, (value, resource.getrlimit(kind)[1] if False else value)) or 1):\n        count += 1\n"
            "print('GOT', count)"
        ),
        escaped=at_least(1),
    ),
    Attempt(
        id="res-09",
        what="watches of the kernel, counted by user (inotify)",
        script="held = []\ntry:\n    for _ in range(129):\n        at = libc.inotify_init1(0)\n        if at < 0:\n            break\n        held.append(at)\nfinally:\n    print('GOT', len(held))",
        escaped=at_least(129),
        no_user_control="the machine's own limit is as low",
        no_control="the machine's own limit may be as low",
    ),
    Attempt(
        id="res-10",
        what="real-time and higher priority",
        script=(
            "count = 0\n"
            "if quietly(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10)) or 1):\n    count += 1\n"
            "if quietly(lambda: os.setpriority(os.PRIO_PROCESS, 0, -10) or 1):\n    count += 1\n"
            "print('GOT', count)"
        ),
        escaped=at_least(1),
        no_user_control="an ordinary user may not",
    ),
    Attempt(
        id="res-11",
        what="one file larger than is allowed",
        script="import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nwith open('/tmp/' + MARK, 'wb') as file:\n    quietly(os.truncate, file.name, 1 << 31)\n    print('GOT', os.stat(file.name).st_size >> 20)\nos.unlink('/tmp/' + MARK)",
        escaped=at_least(2048),
    ),
)
