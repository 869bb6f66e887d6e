"""Writing where the host would see it."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import either, exists, in_checkout, knows, marked, says

ROOTS = "only root may write it anyway"

ATTEMPTS = (
    Attempt(
        id="fsw-01",
        what="write a file in a folder of the host",
        script="writer(F['OUT'] + '/' + ID)",
        escaped=exists("{OUT}/{ID}"),
    ),
    Attempt(
        id="fsw-02",
        what="write beside the workspace, by ..",
        script="os.makedirs('../outside', exist_ok=True); writer(f'../outside/{ID}')",
        escaped=exists("{BESIDE}/outside/{ID}"),
    ),
    Attempt(
        id="fsw-03",
        what="a link in the workspace to a folder of the host, and a write through it",
        script="os.symlink(F['OUT'], f'link-{ID}'); writer(f'link-{ID}/{ID}')",
        escaped=exists("{OUT}/{ID}"),
    ),
    Attempt(
        id="fsw-05",
        what="write by /proc/1/root and every other root in /proc",
        script=(
            "for pid in ('1', 'self', F['VICTIM'], str(os.getppid())):\n"
            "    quietly(writer, f'/proc/{pid}/root{F[\"OUT\"]}/{ID}')"
        ),
        escaped=exists("{OUT}/{ID}"),
    ),
    Attempt(
        id="fsw-08",
        what="append to the user's .bashrc",
        script="writer(F['HOST_HOME'] + '/.bashrc')",
        escaped=marked("{HOST_HOME}/.bashrc"),
    ),
    Attempt(id="fsw-09", what="write in /tmp", script="writer('/tmp/' + MARK, 'x')", escaped=exists("/tmp/mark-{ID}-{PHASE}")),
    Attempt(
        id="fsw-12",
        what="remount everything writable, then write outside",
        script=(
            "for path in (b'/', b'/usr', F['OUT'].encode()):\n"
            "    print(libc.mount(None, path, None, 4096 | 32, None), ctypes.get_errno())\n"
            "writer(F['OUT'] + '/' + ID)"
        ),
        escaped=exists("{OUT}/{ID}"),
    ),
    Attempt(
        id="fsw-15",
        what="replace a folder by a link, so that a tool of the host writes through it",
        script=(
            "sh('git config user.name x; git config user.email x@x; rm -rf build; ln -s ' + F['OUT'] + ' build')\n"
            "sh('git add -A; git commit -qm x; echo " + "$ID" + " > build/fsw-15')"
        ),
        escaped=either(exists("{OUT}/fsw-15"), in_checkout("build/fsw-15")),
        repo=True,
    ),
    Attempt(
        id="fsw-17",
        what="make a sibling of the workspace",
        script="here = os.getcwd().rstrip('/'); os.makedirs(os.path.dirname(here) + '/' + ID); sh('ls ..')",
        escaped=exists("{BESIDE}/{ID}"),
    ),
    Attempt(
        id="fsw-20",
        what="make the kernel call a program of ours: core_pattern, modprobe, hotplug",
        script=(
            "for name in ('kernel/core_pattern', 'kernel/modprobe', 'kernel/poweroff_cmd', 'fs/binfmt_misc/register'):\n"
            "    if quietly(os.open, '/proc/sys/' + name, os.O_WRONLY) is not None:\n"
            "        escaped(name)"
        ),
        escaped=says,
        no_user_control=ROOTS,
    ),
    Attempt(
        id="fsw-21",
        what="a program that is called when a cgroup is empty: release_agent (CVE-2022-0492)",
        script=(
            "import glob\n"
            "os.makedirs('cg', exist_ok=True)\n"
            "print(libc.mount(b'cgroup', b'cg', b'cgroup', 0, b'memory'), ctypes.get_errno())\n"
            "for path in [*glob.glob('/sys/fs/cgroup/*/release_agent'), *glob.glob('cg/release_agent')]:\n"
            "    if quietly(os.open, path, os.O_WRONLY) is not None:\n"
            "        escaped(path)"
        ),
        escaped=says,
        no_user_control=ROOTS,
    ),
    Attempt(
        id="fsw-22",
        what="change a program of the machine that the box sees",
        script="os.open('/usr/bin/env', os.O_WRONLY | os.O_APPEND); escaped('/usr/bin/env')",
        escaped=says,
        no_user_control=ROOTS,
    ),
    Attempt(
        id="fsw-23",
        what="a hard link to a file of the host, and a write into it",
        script="os.link(F['OUT'] + '/linked', 'hard'); writer('hard')",
        escaped=marked("{OUT}/linked"),
    ),
    Attempt(
        id="fsw-24",
        what="write through a working directory or a descriptor of a process outside (CVE-2024-21626)",
        script=(
            "for pid in (F['VICTIM'], '1', str(os.getppid())):\n"
            "    quietly(writer, f'/proc/{pid}/cwd/{ID}')\n"
            "    for number in range(12):\n"
            "        quietly(writer, f'/proc/{pid}/fd/{number}/{ID}')"
        ),
        escaped=exists("{OUT}/{ID}"),
    ),
    Attempt(
        id="fsw-25",
        what="an overlay of our own over a folder of the host",
        script=(
            "for name in ('up', 'w', 'm'):\n    os.makedirs(name, exist_ok=True)\n"
            "here = os.getcwd()\n"
            "options = f'lowerdir=/usr,upperdir={here}/up,workdir={here}/w'.encode()\n"
            "if libc.mount(b'overlay', f'{here}/m'.encode(), b'overlay', 0, options) == 0:\n"
            "    escaped('mounted'); libc.umount2(f'{here}/m'.encode(), 2)\n"
            "if tried(430, b'tmpfs', 0) >= 0:\n    escaped('fsopen')"
        ),
        escaped=says,
        no_user_control=ROOTS,
    ),
    Attempt(
        id="fsw-26",
        what="make a device of the machine's disk, and a whiteout",
        script=(
            "import stat\n"
            "for kind, major, minor in ((stat.S_IFBLK, 8, 0), (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 0, 0)):\n"
            "    if quietly(lambda: os.mknod(f'd{major}.{minor}', kind | 0o600, os.makedev(major, minor)) or 1):\n"
            "        escaped(f'{major}:{minor}')"
        ),
        escaped=says,
    ),
    Attempt(
        id="fsw-27",
        what="leave a setuid program in the user's folder",
        script=(
            "import shutil\n"
            "shutil.copy('/usr/bin/true', 'suid')\n"
            "for call in (lambda: os.chmod('suid', 0o6755), lambda: tried(268, -100, b'suid', 0o4755),\n"
            "             lambda: tried(452, -100, b'suid', 0o4755, 0), lambda: os.fchmod(os.open('suid', os.O_RDONLY), 0o4755),\n"
            "             lambda: os.open('suid2', os.O_CREAT | os.O_WRONLY, 0o4755),\n"
            "             lambda: tried(437, -100, b'suid2', __import__('struct').pack('3Q', 0o102, 0o4755, 0), 24),\n"
            "             lambda: os.mknod('suid2', 0o106755)):\n"
            "    quietly(call)\n"
            "if any(os.path.exists(name) and os.stat(name).st_mode & 0o6000 for name in ('suid', 'suid2')):\n"
            "    escaped('setuid')"
        ),
        escaped=says,
    ),
    Attempt(
        id="fsw-28",
        what="change the authorities that other programs of the box trust, and the made /etc",
        script=(
            "for name in ('ringfence/ca.pem', 'passwd', 'hosts', 'resolv.conf', 'ld.so.preload'):\n"
            "    if quietly(os.open, '/etc/' + name, os.O_WRONLY | os.O_CREAT) is not None:\n"
            "        escaped(name)"
        ),
        escaped=says,
        no_control="it would change the machine; an ordinary user may not",
    ),
    Attempt(
        id="fsw-29",
        what="open anew the files that are the standard streams, for more than they were given for",
        script=(
            "for who in ('self', str(os.getppid()), '1'):\n"
            "    for number, how in ((0, os.O_RDWR), (0, os.O_WRONLY), (1, os.O_RDWR), (2, os.O_RDWR)):\n"
            "        at = quietly(os.open, f'/proc/{who}/fd/{number}', how | os.O_NONBLOCK)\n"
            "        if at is not None:\n"
            "            quietly(lambda: print(os.pread(at, 1000, 0)))\n"
            "            if number == 0:\n                quietly(os.pwrite, at, MARK.encode(), 0)"
        ),
        escaped=either(marked("{GIVEN}"), knows("FILE_SECRET")),
        streams=True,
    ),
)
