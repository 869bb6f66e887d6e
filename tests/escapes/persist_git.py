"""Leaving something in the user's repository that git would execute, or that moves what is the user's."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import either, in_checkout, moved

ON = "sh('git config user.name x; git config user.email x@x')\n"

ATTEMPTS = (
    Attempt(
        id="git-01",
        what="plant a hook",
        script="os.makedirs('.git/hooks', exist_ok=True); writer('.git/hooks/post-checkout', '#!/bin/sh\\necho ' + MARK); os.chmod('.git/hooks/post-checkout', 0o755)",
        escaped=in_checkout(".git/hooks/post-checkout"),
        repo=True,
    ),
    Attempt(
        id="git-02",
        what="set core.fsmonitor, hooksPath, pager and editor to commands",
        script="sh('git config core.fsmonitor \"touch ' + MARK + '\"; git config core.hooksPath /tmp; git config core.pager ' + MARK)",
        escaped=in_checkout(".git/config", "mark-git-02"),
        repo=True,
    ),
    Attempt(
        id="git-05",
        what="a filter driver, by attributes and configuration",
        script=ON
        + "writer('.gitattributes', '* filter=x\\n'); sh('git config filter.x.clean \"echo ' + MARK + '\"; git add -A; git commit -qm x')",
        escaped=either(in_checkout(".git/config", "mark-git-05"), in_checkout(".gitattributes")),
        repo=True,
    ),
    Attempt(
        id="git-08",
        what="put another repository in place of this one",
        script=ON
        + "os.rename('.git', 'old'); sh('git init -q -b main; git config user.name x; git config user.email x@x; git commit -q --allow-empty -m other')",
        escaped=moved,
        repo=True,
    ),
    Attempt(
        id="git-10",
        what="commit, and move main",
        script=ON
        + "writer('app.py', '#'); sh('git add -A; git commit -qm x; git update-ref refs/heads/main HEAD; git push -q origin HEAD:main')",
        escaped=moved,
        repo=True,
    ),
    Attempt(
        id="git-11",
        what="delete a branch and move a tag",
        script=ON
        + "sh('git commit -q --allow-empty -m x; git branch -D keep; git update-ref -d refs/heads/keep; git tag -f v1 HEAD; git push -q origin :keep')",
        escaped=moved,
        repo=True,
    ),
    Attempt(
        id="git-13",
        what="a repository in the repository, with hooks and fsmonitor",
        script=ON
        + "sh('git init -q inner; git -C inner config core.fsmonitor \"touch ' + MARK + '\"; git -C inner -c user.name=x -c user.email=x@x commit -q --allow-empty -m x; git add -A; git commit -qm x')",
        escaped=in_checkout("inner/.git/config", "mark-git-13"),
        repo=True,
    ),
    Attempt(
        id="git-14",
        what="read other branches by alternates, and write the user's objects through links",
        script="import glob\nprint(reader('.git/objects/info/alternates'))\nfor path in glob.glob('.git/objects/*/*') + glob.glob('.git/objects/pack/*'):\n    os.chmod(path, 0o666)\n    writer(path)\n",
        escaped=lambda after: (
            "an object of the user was changed"
            if after.repo
            and any(b"mark-git-14-" in path.read_bytes() for path in (after.repo / ".git/objects").rglob("*") if path.is_file())
            else ""
        ),
        repo=True,
    ),
    Attempt(
        id="git-15",
        what="a submodule whose address and path run commands",
        script=ON
        + "writer('.gitmodules', '[submodule \"x\"]\\npath = x\\nurl = ext::sh -c touch% ' + MARK + '\\nupdate = !touch ' + MARK + '\\n'); sh('git add -A; git commit -qm x')",
        escaped=in_checkout(".gitmodules"),
        repo=True,
    ),
)
