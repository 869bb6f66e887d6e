"""Words of git: revisions with paths (`HEAD:.env`), what a branch or a remote command does, settings that name programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringfence.core.commands.draft import Draft, host_of
from ringfence.core.commands.producers import of_pathspec
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_RUNNING_SETTINGS: Final = (
    "alias.", "core.pager", "core.editor", "core.sshcommand", "core.fsmonitor", "core.hookspath", "core.askpass",
    "core.gitproxy", "core.attributesfile",
    "core.worktree", "core.alternaterefscommand", "diff.external", "diff.", "merge.", "filter.", "pager.", "credential.",
    "gpg.", "sequence.editor", "uploadpack.", "receive.", "remote.", "url.",
    "protocol.", "include.", "includeif.", "http.", "browser.", "web.browser", "man.", "difftool.", "mergetool.",
    "sendemail.", "interactive.difffilter", "init.templatedir",
    "ssh.", "submodule.", "trailer.", "tar.", "instaweb.", "guitool.", "core.sshc", "extensions.", "maintenance.", "transfer.",
)  # fmt: skip
_MAGIC: Final = re.compile(r"[*?\[]")
_WHITE: Final = (
    "diff.renames",
    "diff.algorithm",
    "diff.colormoved",
    "merge.conflictstyle",
    "http.postbuffer",
    "diff.noprefix",
    "diff.mnemonicprefix",
    "diff.context",
    "pager.log",
    "merge.ff",
)


def everywhere(draft: Draft) -> None:
    """What every subcommand has: `-c name=value`, `-C folder`, `--git-dir`."""
    made = draft.cut
    for word in made.values("-c"):
        name = word.text.partition("=")[0].lower()
        value = word.text.partition("=")[2]
        if (
            name.startswith(_RUNNING_SETTINGS)
            and name not in _WHITE
            and value not in ("cat", "true", "false", "", "0", "never", "auto")
        ):
            draft.doubt(Undecided.CODE, f"git's setting {name[:60]} decides what is run, or whom it talks to")
        if "file" in name or name in ("commit.template", "core.excludesfile"):
            draft.path(Use.READ, Word(text=value or "?", raw=word.raw, is_known=word.is_known))
    if made.has("--config-env", "--exec-path", "--git-dir", "--work-tree", "--namespace", "--super-prefix"):
        draft.doubt(Undecided.CODE, "another repository's settings are used")


def _paths(draft: Draft, words: Sequence[Word], use: Use, *, below: bool = True) -> None:
    """Paths as git reads them: `:(top)x`, `*.env` in any folder."""
    for word in words:
        text = word.text
        if (text.startswith(":") and not text.startswith((":/", ":0", ":1", ":2", ":3"))) or text in (":/", ":/*"):
            text = "."
        if word.is_known and not word.is_pattern and _MAGIC.search(text):
            # The shell leaves it as it is, and git has it stand for names in any folder, with a dot before them too.
            listed = of_pathspec(text)
            folder = Word(text=listed.folder, raw=word.raw)
            draft.path(use, folder, below=True, only=listed.only)
        else:
            draft.path(use, Word(text=text, raw=word.raw, is_known=word.is_known, is_pattern=word.is_pattern), below=below)


def shows(draft: Draft) -> None:
    """`log`, `diff`, `show`, `blame`, `cat-file`: `REVISION:PATH`, and paths."""
    everywhere(draft)
    _shown(draft, draft.cut.words)


def searches(draft: Draft) -> None:
    """`grep PATTERN [REVISION...] [PATH...]`: without a path all that git keeps."""
    everywhere(draft)
    made = draft.cut
    has_pattern = made.has("-e", "-f")
    words = made.words if has_pattern else [word for word in made.words if word is not _first(made.words, made.after)]
    _shown(draft, words)
    if not any(_may_be_path(word.text) or word in made.after for word in words):
        draft.path(Use.READ, Word(text=".", raw="."), below=True)
    if made.has("--no-index"):
        draft.path(Use.READ, Word(text=".", raw="."), below=True)
    if made.has("--ext-diff", "--textconv", "-O", "--open-files-in-pager"):
        draft.doubt(Undecided.CODE, "it opens files in a program")


def packs(draft: Draft) -> None:
    """`archive REVISION [PATH...]`: without a path all that git keeps."""
    everywhere(draft)
    words = draft.cut.words
    _shown(draft, words)
    for word in words[1:]:
        _paths(draft, [word], Use.READ)
    if len(words) < 2:
        draft.path(Use.READ, Word(text=".", raw="."), below=True)


def _first(words: Sequence[Word], after: Sequence[Word]) -> Word | None:
    return words[0] if words and words[0] not in after else None


def _may_be_path(text: str) -> bool:
    return not text.startswith(("HEAD", "origin/", "refs/", "@", "v")) and text not in ("main", "master")


def _shown(draft: Draft, words: Sequence[Word]) -> None:
    made = draft.cut
    for word in words:
        revision, colon, path = word.text.partition(":")
        if colon and path and not revision.startswith("/") and "//" not in path[:2]:
            _revision_path(draft, word, path)
    after = {id(word) for word in made.after}
    for word in words:
        text = word.text
        # A word is a revision or a path, and git asks the files which.
        is_name = ":" not in text and ".." not in text.strip("./") and not text.startswith(("origin/", "@", "refs/"))
        is_either = is_name and (draft.cwd is not None or "/" in text or "." in text)
        if id(word) in after or is_either or text.startswith((":(", ":!", ":^")):
            _paths(draft, [word], Use.READ)
    for word in made.values("-L"):
        _, _, path = word.text.rpartition(":")
        if path:
            draft.path(Use.READ, Word(text=path, raw=word.raw, is_known=word.is_known))
    if made.has("--no-index"):
        for word in words:
            draft.path(Use.READ, word, below=True)
    batches = any(given.name.startswith("--batch") and given.name != "--batch-check" for given in made.given)
    if made.has("--stdin") or batches:
        draft.doubt(Undecided.PATH, "what it shows is named on its input")


def _revision_path(draft: Draft, word: Word, path: str) -> None:
    here = path.startswith(("./", "../"))
    name = Word(text=path, raw=word.raw, is_known=word.is_known)
    draft.path(Use.READ, name, below=True)
    if not here and draft.place.roots and word.is_known:
        draft.path(Use.READ, Word(text=f"{draft.place.roots[0]}/{path}", raw=word.raw), below=True)


def reaches(draft: Draft) -> None:
    """`fetch`, `pull`, `push`, `clone`, `ls-remote`: where to. A remote that has a name is one that somebody configured."""
    everywhere(draft)
    for word in draft.cut.words:
        text = word.text
        if "::" in text:
            draft.doubt(Undecided.CODE, "a transport that runs a program")
        elif "://" in text or (":" in text and "@" in text.partition(":")[0]):
            draft.host(host_of(word))
        elif not word.is_known and text.startswith("?"):
            draft.host("?")
    if any(
        value.text
        for value in draft.cut.values("--upload-pack", "-u", "--receive-pack", "--exec")
        if "pack" in value.raw or "/" in value.text or " " in value.text
    ):
        draft.doubt(Undecided.CODE, "it says which program runs at the other end")


def pushes(draft: Draft) -> None:
    """`push`: with force, or deleting, what was there is lost."""
    made = draft.cut
    words = made.words
    if made.has("--receive-pack", "--exec"):
        draft.doubt(Undecided.CODE, "it says which program runs at the other end")
    draft.cut.given[:] = [given for given in made.given if given.name != "-u"]
    reaches(draft)
    if any(word.text.startswith(("+", ":")) for word in words[1:]):
        draft.becomes("destroys")
    if made.has("-f") or any(word.text.startswith("+") for word in words[1:]):
        _spelled(draft, "push --force")
    if made.has("-d") or any(word.text.startswith(":") and len(word.text) > 1 for word in words[1:]):
        _spelled(draft, "push --delete")


def _spelled(draft: Draft, text: str) -> None:
    """For rules that name the long option."""
    rest = " ".join(word.text for word in draft.cut.words)
    draft.also.append(f"git {text} {rest}".rstrip())


_SKIPS: Final = frozenset(
    {"SKIP", "HUSKY", "HUSKY_SKIP_HOOKS", "LEFTHOOK", "LEFTHOOK_EXCLUDE", "PRE_COMMIT_ALLOW_NO_CONFIG", "OVERCOMMIT_DISABLE"}
)
"""Variables with which hooks that somebody set up are passed over."""


def adds(draft: Draft) -> None:
    """`add`, `commit`: what is put into the repository is read."""
    everywhere(draft)
    made = draft.cut
    if any(name in _SKIPS for name, _ in draft.command.assignments):
        _spelled(draft, "commit --no-verify")
    if made.has("-n") and any(word.text == "commit" for word in draft.command.words[1:]):
        _spelled(draft, "commit --no-verify")
    if made.has("-f", "--force"):
        # What git ignores is taken up too, and nobody is asked which files those are.
        _paths(draft, made.words or [Word(text=".", raw=".")], Use.READ)
        return
    if made.has("-A", "--all", "-u", "--update") and not made.words:
        return
    for word in made.words:
        if word.text not in (".", "*", ":/"):
            draft.path(Use.READ, word)


def restores(draft: Draft) -> None:
    """`checkout -- PATH`, `restore PATH`: what was changed there is lost."""
    everywhere(draft)
    made = draft.cut
    name = " ".join(word.text for word in draft.command.words)
    if " restore" in name:
        if made.has("-S", "--staged") and not made.has("-W", "--worktree"):
            return
        draft.becomes("loses")
        _paths(draft, made.words, Use.WRITE)
        return
    paths = made.after or [word for word in made.words if _looks_like_path(word.text)]
    if made.has("-b", "-B", "--orphan", "--track", "-t"):
        if made.has("-B"):
            draft.becomes("loses")
        return
    if paths or any(word.text == "." for word in made.words):
        draft.becomes("loses")
        _paths(draft, paths, Use.WRITE)


def _looks_like_path(text: str) -> bool:
    return (
        text == "."
        or text.startswith(("./", "../", "/", ":"))
        or (text.rpartition("/")[2].count(".") == 1 and not text.startswith(("v", "release", "origin/", "HEAD")))
    )


def branches(draft: Draft) -> None:
    """`branch`, `tag`, `remote`, `config`, `stash`, `worktree`, `notes`: with words they change something, without
    they list."""
    everywhere(draft)
    made = draft.cut
    asks = made.has(
        "-l",
        "--list",
        "-a",
        "-r",
        "-v",
        "-vv",
        "--all",
        "--remotes",
        "--show-current",
        "--contains",
        "--merged",
        "--no-merged",
        "--points-at",
        "--verbose",
        "--sort",
        "--format",
        "-n",
        "--column",
    )
    if not made.words or (
        asks
        and not made.has(
            "-d", "-D", "-f", "-m", "-M", "--delete", "--force", "--move", "--edit-description", "-u", "--set-upstream-to"
        )
    ):
        return
    draft.becomes("project")


def configures(draft: Draft) -> None:
    """`config`: asking is reading; what is set may decide what runs."""
    everywhere(draft)
    made = draft.cut
    words = made.words
    verb = words[0].text if words else ""
    asks = made.has(
        "--get",
        "--get-all",
        "--get-regexp",
        "-l",
        "--list",
        "--get-urlmatch",
        "--show-origin",
        "--name-only",
        "--get-color",
        "--get-colorbool",
    ) or verb in ("list", "get")
    if asks and not made.has("--add", "--unset", "--replace-all"):
        _files(draft)
        return
    if len(words) == 1 and not made.has("--unset", "--unset-all", "--remove-section", "--edit", "-e", "--add", "--replace-all"):
        _files(draft)
        return
    name = (words[1].text if verb in ("set", "unset") and len(words) > 1 else verb).lower()
    is_global = made.has("--global", "--system", "--worktree")
    draft.becomes("machine" if is_global else "project")
    if (name.startswith(_RUNNING_SETTINGS) and name not in _WHITE) or made.has("-e", "--edit", "--rename-section"):
        draft.doubt(Undecided.CODE, f"git's setting {name[:60]} decides what is run, or whom it talks to")
    home = draft.place.home or "/root"
    if made.has("--global"):
        draft.path(Use.WRITE, Word(text=f"{home}/.gitconfig", raw="--global"))
    elif made.has("--system"):
        draft.path(Use.WRITE, Word(text="/etc/gitconfig", raw="--system"))
    for word in made.values("-f", "--file"):
        draft.path(Use.WRITE, word)


def _files(draft: Draft) -> None:
    for word in draft.cut.values("--blob"):
        _, _, path = word.text.partition(":")
        _revision_path(draft, word, path or word.text)
    for word in draft.cut.values("-f", "--file"):
        draft.path(Use.READ, word)


def stashes(draft: Draft) -> None:
    """`stash`: with `-a` what git ignores is put aside too, where anybody may read it."""
    everywhere(draft)
    if draft.cut.has("-a", "--all"):
        draft.path(Use.READ, Word(text=".", raw="."), below=True)


def trailers(draft: Draft) -> None:
    """`interpret-trailers`: prints a file with lines added, or changes it."""
    everywhere(draft)
    for word in draft.cut.words:
        draft.path(Use.READ, word)
        if draft.cut.has("--in-place"):
            draft.becomes("writes")
            draft.path(Use.WRITE, word)


def moves(draft: Draft) -> None:
    """`git mv`, `git rm`."""
    everywhere(draft)
    made = draft.cut
    words = made.words
    is_removal = any(word.text == "rm" for word in draft.command.words[1:4])
    if is_removal:
        if not made.has("--cached", "-n", "--dry-run"):
            _paths(draft, words, Use.DELETE, below=made.has("-r"))
        return
    if len(words) < 2:
        return
    target = words[-1]
    base = draft.cwd or "/"
    for word in words[:-1]:
        to = target.text if target.text.startswith("/") else f"{base}/{target.text}"
        draft.path(Use.READ, word, below=True)
        draft.path(Use.DELETE, word, below=True, moved_to=to)
    draft.path(Use.WRITE, target)


def cleans(draft: Draft) -> None:
    """`git clean`: what git does not know is removed."""
    everywhere(draft)
    if draft.cut.has("-n", "--dry-run"):
        draft.settles("reads project")
        return
    for word in draft.cut.words or [Word(text=".", raw=".")]:
        draft.path(Use.DELETE, word, below=True)


def bisects(draft: Draft) -> None:
    """`git bisect run COMMAND`, `git rebase --exec`, `git submodule foreach`: whatever runs in them is a command of its own."""
    everywhere(draft)
    made = draft.cut
    if made.has(
        "-x", "--exec", "--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter", "--setup"
    ):
        draft.doubt(Undecided.CODE, "git runs a command for each commit")


def makes_patches(draft: Draft) -> None:
    """`format-patch`: files in the folder, unless it prints."""
    everywhere(draft)
    if not draft.cut.has("--stdout"):
        draft.becomes("project")


def patches(draft: Draft) -> None:
    """`git apply`, `git am`, `patch`: whatever the patch names is written."""
    if draft.command.words[0].text == "git":
        everywhere(draft)
    named = [use for use in draft.uses if use.use is Use.WRITE]
    if not named and not draft.cut.has(
        "--check", "--stat", "--numstat", "--summary", "--dry-run", "--cached", "--abort", "--skip", "--quit"
    ):
        draft.path(Use.WRITE, Word(text=".", raw="."), below=True)
