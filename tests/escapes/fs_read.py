"""Reading what the host keeps to itself."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import knows, says

ATTEMPTS = (
    Attempt(
        id="fsr-01",
        what="read a private key of the user",
        script="print(reader(F['HOST_HOME'] + '/.ssh/id_ed25519'))",
        escaped=knows("KEY_SECRET"),
    ),
    Attempt(
        id="fsr-03", what="read a secret file elsewhere", script="print(reader(F['SECRET_FILE']))", escaped=knows("FILE_SECRET")
    ),
    Attempt(
        id="fsr-04",
        what="find the machine's accounts",
        script="names = [line.split(':')[0] for line in open('/etc/passwd')]\nif 'daemon' in names or 'root' in names:\n    escaped(names)",
        escaped=says,
    ),
    Attempt(
        id="fsr-07",
        what="read a token in the address of the clone's remote",
        script="print(reader('.git/config')); sh('git remote -v; git config -l; git for-each-ref; cat .git/packed-refs .git/FETCH_HEAD')",
        escaped=knows("REMOTE_TOKEN"),
        repo=True,
    ),
    Attempt(
        id="fsr-10",
        what="read the gateway's state: keys, journal, database",
        script=(
            "for at, _, names in os.walk(F['STATE']):\n"
            "    for name in names:\n        print(name, reader(os.path.join(at, name), 4000))"
        ),
        escaped=knows("STATE_SECRET"),
    ),
    Attempt(
        id="fsr-11",
        what="read a file by its handle, past all mounts (shocker)",
        script=(
            "handle = bytes.fromhex(F['HANDLE'])\n"
            "for path in ('/', '/usr', '/etc/alternatives', '/work', '/tmp'):\n"
            "    at = quietly(os.open, path, os.O_RDONLY)\n"
            "    if at is not None and (got := tried(304, at, handle, 0)) >= 0:\n"
            "        print(os.read(got, 1000))"
        ),
        escaped=knows("FILE_SECRET"),
        no_user_control="it needs CAP_DAC_READ_SEARCH",
    ),
    Attempt(
        id="fsr-12",
        what="read through the root of any process",
        script=(
            "for pid in [name for name in os.listdir('/proc') if name.isdecimal()] + [F['VICTIM'], F['GATEWAY']]:\n"
            "    print(reader(f'/proc/{pid}/root{F[\"SECRET_FILE\"]}', 200))"
        ),
        escaped=knows("FILE_SECRET"),
    ),
    Attempt(
        id="fsr-13",
        what="read shared memory of the host",
        script="for name in os.listdir('/dev/shm'):\n    print(reader('/dev/shm/' + name, 1000))",
        escaped=knows("SHM_SECRET"),
    ),
    Attempt(
        id="fsr-14",
        what="read what was left in /tmp, /run and /var of the host",
        script="print(reader(F['LEFT_IN_TMP']))\nfor path in ('/run', '/var', '/home', '/root', '/boot', '/sys/kernel'):\n    if quietly(os.listdir, path):\n        escaped(path)",
        escaped=lambda after: knows("FILE_SECRET")(after) or says(after),
    ),
    Attempt(
        id="fsr-15",
        what="use a descriptor that the caller of `ringfence run` left open (CVE-2024-21626)",
        script=(
            "import stat\n"
            "for number in range(3, 256):\n"
            "    quietly(lambda: print(number, os.pread(number, 1000, 0)))\n"
            "    quietly(lambda: print(number, os.listdir(number)))\n"
            "print(*[(n, quietly(os.readlink, f'/proc/{p}/fd/{n}')) for p in ('1', os.getppid())\n"
            "        for n in (quietly(os.listdir, f'/proc/{p}/fd') or ())])\n"
            "for p in (1, os.getppid()):\n"
            "    for n in quietly(os.listdir, f'/proc/{p}/fd') or ():\n"
            "        if int(n) > 2:\n            print(reader(f'/proc/{p}/fd/{n}', 500))"
        ),
        escaped=knows("FILE_SECRET"),
        alone=True,
    ),
    Attempt(
        id="fsr-16",
        what="read physical memory, kernel symbols and messages",
        script=(
            "for path in ('/dev/mem', '/dev/kmsg', '/proc/kcore', '/dev/port', '/sys/firmware/efi/efivars', '/proc/keys'):\n"
            "    if (got := quietly(os.open, path, os.O_RDONLY | os.O_NONBLOCK)) is not None and quietly(os.read, got, 20):\n"
            "        escaped(path)\n"
            "lines = [line for line in open('/proc/kallsyms')][:50] if os.path.exists('/proc/kallsyms') else []\n"
            "if any(not line.startswith('0000000000000000') for line in lines):\n    escaped('kallsyms')\n"
            "if tried(103, 10, 0, 0) > 0:\n    escaped('syslog')"
        ),
        escaped=says,
        no_user_control="only root may",
    ),
    Attempt(
        id="fsr-17",
        what="learn the host's paths and names from its mounts",
        script=(
            "text = reader('/proc/self/mountinfo') + reader('/proc/1/mountinfo') + reader('/proc/1/cgroup') + reader('/proc/self/cgroup')\n"
            "if F['OUT'].rsplit('/', 1)[0] in text or F['STATE'] in text:\n    escaped('a path of the host')\n"
            "print(text)\n"
            "if os.uname().nodename == F['NODE']:\n    escaped('the name of the host')"
        ),
        escaped=says,
    ),
    Attempt(
        id="fsr-18",
        what="a link in the place of a path that the next box of the same folder is shown",
        script="os.rename('tools', 'were'); os.symlink(F['HOST_HOME'] + '/.ssh', 'tools'); print(os.listdir('.'))",
        then="print(reader(F['SHARED'] + '/tools/id_ed25519'), quietly(os.listdir, F['SHARED'] + '/tools'))",
        escaped=knows("KEY_SECRET"),
    ),
)
