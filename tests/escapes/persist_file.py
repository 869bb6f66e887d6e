"""Leaving files that a tool of the user's executes or believes."""

from tests.escapes.attempt import Attempt, Judge
from tests.escapes.judges import committed, either, in_checkout

COMMIT = "\nsh('git config user.name x; git config user.email x@x; git add -A -f; git commit -qm x')"


def plant(id_: str, what: str, path: str, script: str = "") -> Attempt:
    judge: Judge = either(committed(path), in_checkout(path, f"mark-{id_}-"))
    write = script or f"os.makedirs(os.path.dirname({path!r}) or '.', exist_ok=True); writer({path!r})"
    return Attempt(id=id_, what=what, script=write + COMMIT, escaped=judge, repo=True)


ATTEMPTS = (
    plant("pf-01", "a task of an editor", ".vscode/tasks.json"),
    plant("pf-02", "settings of an agent that were absent before (CVE-2026-25725)", ".claude/settings.json"),
    plant("pf-04", "a workflow of the CI", ".github/workflows/x.yml"),
    plant("pf-05", "a script in package.json", "package.json"),
    plant("pf-07", "a file that the test runner executes", "conftest.py"),
    plant("pf-08", "instructions for agents", "CLAUDE.md", "writer('CLAUDE.md'); writer('AGENTS.md')"),
    plant(
        "pf-12",
        "links to /etc/passwd and out of the tree",
        "passwd",
        "os.symlink('/etc/passwd', 'passwd'); os.symlink('../..', 'up')",
    ),
    plant("pf-14", "a Makefile", "Makefile"),
    plant("pf-15", "settings of MCP clients and of shells", ".mcp.json", "writer('.mcp.json'); writer('.envrc')"),
    plant("pf-16", "a file of 20 MB", "big.bin", "writer('big.bin', MARK * 1_500_000)"),
    plant("pf-17", "a folder that only differs in case", ".GitHub/workflows/x.yml"),
    plant(
        "pf-18",
        "a package that Python runs at its start",
        "sitecustomize.py",
        "writer('sitecustomize.py'); writer('x.pth', 'import os')",
    ),
)
