"""How much a box lets the command use: each limit reached for real."""

from __future__ import annotations

import signal

from tests.contract.sandbox_world import SandboxWorld


async def the_workspace_is_bounded_in_bytes_and_files(world: SandboxWorld) -> None:
    ran = await world.shell("for n in 1 2 3 4 5; do head -c 1M /dev/zero > /work/$n || echo full; done; df /work | tail -1")
    assert "full" in ran.out.split()
    assert "No space left" in ran.err
    ran = await world.python(
        "import errno\nn = 0\ntry:\n    while True:\n        open(f'/work/{n}', 'w').close(); n += 1\n"
        "except OSError as error:\n    print(errno.errorcode[error.errno], n < 20000)\n"
    )
    assert ran.out.split() == ["ENOSPC", "True"]


async def limits_on_processes_files_and_descriptors_hold(world: SandboxWorld) -> None:
    ran = await world.python(
        "import os, time\nn = 0\ntry:\n    for n in range(500):\n        if os.fork() == 0:\n            time.sleep(60)\n"
        "except OSError:\n    print(n <= 32)\n"
    )
    assert ran.out.split() == ["True"], ran
    ran = await world.shell("head -c 3M /dev/zero > /dev/shm/large", limits={"file_mib": 1})
    assert ran.end.code == 128 + signal.SIGXFSZ
    ran = await world.python("n = []\ntry:\n    while True: n.append(open('/dev/null'))\nexcept OSError: print(len(n) < 64)")
    assert ran.out.split() == ["True"]
    assert (await world.shell("ulimit -c")).out.split() == ["0"]


async def what_the_kernel_counts_by_user_is_counted_for_the_box(world: SandboxWorld) -> None:
    ran = await world.python(
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\nn = 0\nwhile libc.inotify_init() >= 0: n += 1\n"
        "print(n, errno.errorcode[ctypes.get_errno()])\n",
        limits={"open_files": 1024},
    )
    assert ran.out.split() == ["128", "EMFILE"]


async def memory_is_bounded(world: SandboxWorld) -> None:
    ran = await world.python(
        "a = []\ntry:\n    while True: a.append(bytearray(1 << 20))\nexcept MemoryError: print(len(a) < 128)"
    )
    assert ran.out.split() == ["True"] or ran.end.why == "out of memory", ran


async def out_of_memory_is_told_apart(world: SandboxWorld) -> None:
    """Three processes, each below the limit of one."""
    script = "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        a = bytearray(90 << 20); time.sleep(60)\n"
    script += "print(os.wait()[1] & 127, flush=True); os._exit(3)\n"
    ran = await world.python(script, limits={"tmp_mib": 4})
    assert (ran.out.split(), ran.end.code, ran.end.why) == (["9"], 3, "out of memory"), ran


async def the_wall_clock_ends_it(world: SandboxWorld) -> None:
    ran = await world.run("sleep", "1000", limits={"wall_clock_s": 0})
    assert (ran.end.code, ran.end.why) == (137, "wall clock")
