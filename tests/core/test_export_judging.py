"""What may leave a clone: names, protected paths, and the judgement of a history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.export.judging import Bounds, History, Verdict, judge
from ringfence.core.export.names import components, fault_in
from ringfence.core.export.protected import PROTECTED, Protected
from ringfence.core.export.raw import GONE, Change, UnreadableDiffError, changes_in

BASE, HEAD, BLOB = "b" * 40, "a" * 40, "c" * 40
SAFE = st.text(st.characters(categories=["L", "N"], include_characters="-_."), min_size=1, max_size=20).filter(
    lambda text: not fault_in(text.encode())
)
NOTHING = Protected()


def history(
    *changes: Change, size: int = 1, parents: dict[str, tuple[str, ...]] | None = None, follows: bool = True
) -> History:
    return History(
        base=BASE,
        head=HEAD,
        parents=parents if parents is not None else {HEAD: (BASE,)},
        follows_base=follows,
        changes=changes,
        sizes={BLOB: size},
    )


def change(path: str | bytes, mode: str = "100644", commit: str = HEAD, blob: str = BLOB) -> Change:
    return Change(commit, path.encode() if isinstance(path, str) else path, mode, blob)


@pytest.mark.parametrize(
    "path", ["a", "a/b.c", ".hidden", "git", "a.git", "x/gitfoo", "日本/é.txt", "a b", "a:b", "...", "🧑\u200d💻"]
)
def test_an_ordinary_path_has_no_fault(path: str) -> None:
    assert fault_in(path.encode()) == ""


@pytest.mark.parametrize(
    "path",
    [
        ".git", ".GIT/x", "a/.Git/b", "git~1", "GIT~12/x", ".git.", ".git ", ".git...", ".git::$INDEX_ALLOCATION/x",
        ".g\u200cit", "\ufeff.git", ".\u202egit", ".gi\ufe0ft", "\uff0egit", "..", "a/../b", ".", "./a", "a//b", "/a", "a/",
        "", "a\\b", "a\nb", "a\tb", "a\x00b", "a\x1bb", "a\x7fb", "a\x9bb", "a\u2028b",
    ],
)  # fmt: skip
def test_a_path_that_may_mean_something_else_has_a_fault(path: str) -> None:
    assert fault_in(path.encode())


def test_lengths_have_bounds() -> None:
    assert not fault_in(b"x" * 255)
    assert fault_in(b"x" * 256)
    assert not fault_in(b"a/" * 63 + b"a")
    assert fault_in(b"a/" * 64 + b"a")
    assert not fault_in(b"/".join([b"x" * 204] * 5))
    assert fault_in(b"/".join([b"x" * 205] * 5))


def test_what_is_no_utf_8_has_a_fault() -> None:
    assert fault_in(b"a\xff") == "a path that is no UTF-8"


@pytest.mark.parametrize(
    "path",
    [
        ".gitattributes", ".gitmodules", "x/.gitignore", ".github/CODEOWNERS", ".gitlab-ci.yml", ".circleci/config.yml",
        "Jenkinsfile", ".pre-commit-config.yaml", ".husky/pre-commit", ".vscode/settings.json", ".idea/a.iml",
        ".cursor/rules", ".claude/settings.json", ".codex/config.toml", ".gemini/x", ".mcp.json", "CLAUDE.md", "AGENTS.md",
        ".devcontainer/devcontainer.json", ".envrc", ".npmrc", ".yarnrc.yml", ".bashrc", ".profile", "Makefile",
        "package.json", "pyproject.toml", "setup.py", "setup.cfg", "Dockerfile", "lib/x.pth", "uv.lock",
        "package-lock.json", "yarn.lock", "conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.ini",
        "jest.config.js", "a/HEAD", "a/packed-refs", "a/objects/x", "a/refs/x", "a/hooks/x", "GI7EBA~1",
        "CONFTE~1.PY", "SITECU~1.PY", ".pdbrc", ".gdbinit", ".pylintrc", "mypy.ini", "flake.nix", "tasks.py", "SConstruct",
        "build.sbt", "a.xcodeproj/project.pbxproj", "Package.swift", "x.targets", "deno.json", ".roo/rules/a.md",
        ".php-cs-fixer.php",
    ],
)  # fmt: skip
def test_every_path_that_the_list_names_is_protected_at_any_depth_and_in_any_case(path: str) -> None:
    for seen in (
        path,
        path.upper(),
        path.lower(),
        f"deep/er/{path}",
        f"{path}.",
        f"a/{path}:stream",
        path.replace("i", "i\u200d"),
    ):
        assert NOTHING.covers(seen), seen


@pytest.mark.parametrize(
    "path",
    ["a.py", "makefiles/a", "docs/github.md", "headline", "heads/x", "hooks", "objects", "claude/a.py", "a~", "props.py"],
)
def test_other_paths_are_not_protected(path: str) -> None:
    assert not NOTHING.covers(path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("deploy/prod/", "deploy/prod/a", True),
        ("deploy/prod/", "x/Deploy/PROD/a/b", True),
        ("deploy/prod/", "deploy/prod", False),
        ("deploy/prod/", "deploy/test/prod/a", False),
        ("*.sql", "a/b.SQL", True),
        ("/secrets.yml", "x/secrets.yml", True),
        ("migrations/*.py", "app/migrations/0001.py", True),
        ("migrations/*.py", "app/migrations/x/0001.py", False),
    ],
)
def test_a_configuration_adds_patterns(pattern: str, path: str, expected: bool) -> None:
    assert Protected([pattern]).covers(path) is expected
    assert not NOTHING.covers(path)


@given(st.sampled_from(PROTECTED), st.lists(SAFE, max_size=3))
def test_nothing_takes_a_built_in_pattern_away(pattern: str, before: list[str]) -> None:
    name = pattern.replace("[jt]", "j").replace("[cm]", "c").replace("[0-9]", "1").replace("*", "x").replace("?", "x")
    path = "/".join([*before, name + "a" if name.endswith("/") else name])
    assert Protected(["*.sql"]).covers(path)
    assert Protected(["!" + pattern, "-" + pattern]).covers(path.swapcase())


@given(SAFE)
def test_folding_is_stable(name: str) -> None:
    assert components("/".join(components(name))) == components(name)


def test_the_verdict_is_the_strictest_of_all_commits() -> None:
    first, last = "1" * 40, HEAD
    parents = {first: (BASE,), last: (first,)}
    taken_back = [change("Makefile", commit=first), change("Makefile", GONE), change("a")]
    assert judge(history(change("a")), NOTHING, Bounds()).verdict is Verdict.ACCEPTED
    judged = judge(history(*taken_back, parents=parents), NOTHING, Bounds())
    assert (judged.verdict, judged.protected, judged.paths, judged.commits) == (
        Verdict.NEEDS_PERSON, ("Makefile",), ("Makefile", "a"), 2,
    )  # fmt: skip
    link = judge(history(*taken_back, change("l", "120000", first), parents=parents), NOTHING, Bounds())
    assert link.verdict is Verdict.REFUSED


@pytest.mark.parametrize("mode", ["120000", "160000", "040000", "100664", "100600", "000001"])
def test_only_two_modes_may_leave(mode: str) -> None:
    assert judge(history(change("a", mode)), NOTHING, Bounds()).verdict is Verdict.REFUSED
    assert judge(history(change("a", "100755")), NOTHING, Bounds()).verdict is Verdict.ACCEPTED


def test_bounds_are_reached_and_not_passed() -> None:
    bounds = Bounds(blob=10, paths=2, commits=1)
    assert judge(history(change("a"), change("b"), size=10), NOTHING, bounds).verdict is Verdict.ACCEPTED
    assert judge(history(change("a"), size=11), NOTHING, bounds).verdict is Verdict.REFUSED
    assert judge(history(change("a"), change("b"), change("c")), NOTHING, bounds).verdict is Verdict.REFUSED
    two = {HEAD: ("1" * 40,), "1" * 40: (BASE,)}
    assert judge(history(parents=two), NOTHING, bounds).verdict is Verdict.REFUSED


def test_what_git_does_not_know_the_size_of_is_refused() -> None:
    assert judge(history(change("a", blob="d" * 40)), NOTHING, Bounds()).verdict is Verdict.REFUSED


def test_history_that_does_not_go_on_from_the_base_is_refused() -> None:
    assert judge(history(follows=False), NOTHING, Bounds()).verdict is Verdict.REFUSED
    assert judge(history(parents={HEAD: (BASE, "1" * 40), "1" * 40: ()}), NOTHING, Bounds()).verdict is Verdict.REFUSED


def test_two_names_for_one_file_are_refused_within_a_commit() -> None:
    assert judge(history(change("a/B"), change("A/b")), NOTHING, Bounds()).verdict is Verdict.REFUSED
    renamed = [change("a/B", GONE), change("A/b")]
    assert judge(history(*renamed), NOTHING, Bounds()).verdict is Verdict.ACCEPTED


@given(st.lists(st.tuples(st.binary(max_size=40), st.sampled_from(["100644", "100755", "120000", GONE, "160000"])), max_size=8))
def test_whatever_comes_is_judged_and_said_in_one_printable_line(changes: list[tuple[bytes, str]]) -> None:
    judged = judge(history(*(change(path, mode) for path, mode in changes)), NOTHING, Bounds())
    assert all(fault.isprintable() for fault in judged.faults)
    is_bad = any(fault_in(path) or mode in ("120000", "160000") for path, mode in changes)
    assert not is_bad or judged.verdict is Verdict.REFUSED
    assert bool(judged.faults) == (judged.verdict is Verdict.REFUSED)


RAW = f":100644 000000 {BLOB} {'0' * 40} D"


def test_the_list_of_changes_is_read() -> None:
    output = f"{HEAD}\0:000000 100644 {'0' * 40} {BLOB} A\0x y\0{RAW}\0{HEAD}\0{BASE}\0{RAW}\0:odd\0".encode()
    assert changes_in(output) == (
        change("x y"),
        change(HEAD, GONE, blob="0" * 40),
        change(":odd", GONE, BASE, "0" * 40),
    )


@pytest.mark.parametrize("output", [b"x", b"x\0", RAW.encode() + b"\0a\0", HEAD.encode(), f"{HEAD}\0{RAW}\0".encode()])
def test_what_git_does_not_write_is_not_read(output: bytes) -> None:
    with pytest.raises(UnreadableDiffError):
        changes_in(output)


def test_no_changes_are_none() -> None:
    assert changes_in(b"") == ()


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(output: bytes) -> None:
    try:
        changes_in(output)
    except UnreadableDiffError:
        return
