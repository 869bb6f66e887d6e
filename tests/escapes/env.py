"""Secrets that lie about in processes."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import knows, says

ATTEMPTS = (
    Attempt(id="env-01", what="print the environment", script="sh('env; export -p')", escaped=knows("ENV_SECRET")),
    Attempt(
        id="env-02",
        what="read the environment of the first process, the parent and all others",
        script="for pid in os.listdir('/proc'):\n    if pid.isdecimal():\n        print(pid, reader(f'/proc/{pid}/environ', 8000)[:8000])",
        escaped=knows("ENV_SECRET"),
    ),
    Attempt(
        id="env-04",
        what="read passwords in the command lines of other processes",
        script="for pid in os.listdir('/proc'):\n    if pid.isdecimal():\n        print(pid, reader(f'/proc/{pid}/cmdline', 2000)[:300])",
        escaped=knows("ARG_SECRET"),
    ),
    Attempt(
        id="env-06",
        what="allow core dumps",
        script="import resource\nresource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20)); escaped(resource.getrlimit(resource.RLIMIT_CORE))",
        escaped=says,
    ),
    Attempt(
        id="env-08",
        what="find the run's credential: in files, descriptors and memory of every process of the box",
        script=(
            "import re\n"
            "print(reader('/etc/ringfence/ca.pem')[-3000:])\n"
            "for pid in os.listdir('/proc'):\n"
            "    if not pid.isdecimal() or int(pid) == os.getpid():\n        continue\n"
            "    maps, memory = reader(f'/proc/{pid}/maps'), quietly(os.open, f'/proc/{pid}/mem', os.O_RDONLY)\n"
            "    for line in maps.splitlines():\n"
            "        found = re.match(r'([0-9a-f]+)-([0-9a-f]+) rw', line)\n"
            "        if found and memory is not None:\n"
            "            start, end = (int(each, 16) for each in found.groups())\n"
            "            try:\n                data = os.pread(memory, min(end - start, 4_000_000), start)\n"
            "            except OSError:\n                continue\n"
            "            for hit in re.findall(rb'rf_[a-z]+_[A-Za-z0-9_-]{20,}', data):\n"
            "                if hit.decode() not in F['KNOWN']:\n                    escaped(pid)"
        ),
        escaped=says,
        no_control="without a box there is no listener that stands for the run, so it is shown its credential",
    ),
    Attempt(
        id="env-09",
        what="get the key that the way out puts in, from the answers' headers",
        script="print(request('api.test', f'GET /allowed/headers?{MARK} HTTP/1.1'))",
        escaped=knows("API_KEY"),
        no_control="this service does not say it; px-21 asks one that does",
    ),
)
