"""Runs attempts one after the other, in a box or beside it: they come in on stdin, what they said goes out on stdout.

It is given to an interpreter of the machine as text, so it has nothing but the standard library.
"""

import json
import os
import subprocess
import sys

PATIENCE_S = 15
MOST = 200_000


def main() -> None:
    has_terminal = len(sys.argv) > 1
    told = json.loads(sys.argv[1] if has_terminal else sys.stdin.buffer.read())
    for one in told["attempts"]:
        ran = subprocess.Popen(
            [sys.executable, "-I", "-c", told["kit"] + "\n" + one["script"]],
            env={**os.environ, **told["facts"], "ID": one["id"], "MARK": f"mark-{one['id']}-{told['facts']['PHASE']}"},
            stdin=None if has_terminal else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            close_fds=False,
            start_new_session=not has_terminal,
        )
        try:
            said = ran.communicate(timeout=PATIENCE_S)[0]
        except subprocess.TimeoutExpired:
            ran.kill()
            said = b"it was given up"
        sys.stdout.write(json.dumps({"id": one["id"], "said": said[:MOST].decode("utf-8", "replace")}) + "\n")
        sys.stdout.flush()


main()
