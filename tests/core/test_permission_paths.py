"""Path rules: gitignore patterns with the anchors of the client, strict where they forbid and narrow where they allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.core.model.local import Place, Use
from ringfence.core.model.permissions import Listed
from ringfence.core.permissions.paths import Fit, covers, fit
from ringfence.testing.acts import HOME, PLACE, PROJECT, a_rule, a_use, deletes, reads, writes

DENIED = [
    ("//etc/ssl/**", "/etc/ssl/private/k"),
    ("//etc/ssl/**", "/ETC/ssl/k"),
    ("~/.ssh/**", f"{HOME}/.ssh/id"),
    ("/src/**", "src/a/b.py"),
    (".env", ".env"),
    (".env", "sub/deep/.env"),
    (".env", ".ENV"),
    ("./.env", ".env"),
    ("*.pem", "certs/a.pem"),
    ("one/*.key", "one/a.key"),
    ("./dot/f", "dot/f"),
    ("secrets/**", "secrets/k"),
    ("secrets/**", "sub/secrets/k"),
    ("secrets/**", "SECRETS/k"),
    ("secrets", "secrets/k"),
    ("secrets/", "sub/secrets/k"),
    ("**/any/**", "a/b/any/c"),
    ("a/**/z", "a/z"),
    ("a/**/z", "a/b/c/z"),
    ("[ab].txt", "b.txt"),
    ("[!ab].txt", "c.txt"),
    ("my notes.txt", "my notes.txt"),
    ("\\[x\\]/f", "[x]/f"),
    ("fil?", "deep/file"),
    ("*.pem", "/elsewhere/a.pem"),
    ("//**", "/anything"),
    ("src/", "src/x"),
]


@pytest.mark.parametrize(("pattern", "path"), DENIED)
def test_a_deny_rule_covers(pattern: str, path: str) -> None:
    assert fit(a_rule(f"Read({pattern})"), reads(path), PLACE) is Fit.ALL


FREE = [
    ("/anchored/**", "sub/anchored/f"),
    ("one/*.key", "sub/one/a.key"),
    ("one/*.key", "one/two/a.key"),
    ("./dot/f", "sub/dot/f"),
    ("~/.ssh/**", "/home/other/.ssh/id"),
    (".env", ".env.example"),
    ("*.pem", "a.pem.txt"),
    ("[ab].txt", "c.txt"),
    ("fil?", "fil"),
    ("/src/**", "src"),
    ("srv", "src/x"),
    ("larder", "src/x"),
    ("a/**/z", "a/b/c"),
]


@pytest.mark.parametrize(("pattern", "path"), FREE)
def test_a_deny_rule_leaves_alone(pattern: str, path: str) -> None:
    assert fit(a_rule(f"Read({pattern})"), reads(path), PLACE) is Fit.NONE


ALLOWED = [
    ("/**", "src/a.py"),
    ("/src/**", "src/a.py"),
    ("src/**", "src/n"),
    ("*.md", "docs/a.md"),
    ("**/gen/**", "a/gen/b"),
    ("//tmp/**", "/tmp/x"),
    ("~/notes/**", f"{HOME}/notes/a"),
    ("./README.md", "README.md"),
]


@pytest.mark.parametrize(("pattern", "path"), ALLOWED)
def test_an_allow_rule_covers(pattern: str, path: str) -> None:
    assert covers(a_rule(f"Edit({pattern})", Listed.ALLOW), writes(path), PLACE)


UNCOVERED = [
    ("/**", "/etc/passwd"),
    ("src/**", "sub/src/n"),
    ("/src/**", "SRC/a.py"),
    ("/src/**", "src"),
    ("*.md", "/elsewhere/a.md"),
    ("//tmp/**", "/tmp"),
    ("~/notes/**", "/home/other/notes/a"),
]


@pytest.mark.parametrize(("pattern", "path"), UNCOVERED)
def test_an_allow_rule_does_not_reach(pattern: str, path: str) -> None:
    assert not covers(a_rule(f"Edit({pattern})", Listed.ALLOW), writes(path), PLACE)


def test_an_allow_rule_minds_letter_case_only_where_the_machine_does() -> None:
    rule, use = a_rule("Edit(/src/**)", Listed.ALLOW), writes("SRC/a.py")
    assert not covers(rule, use, PLACE)
    assert covers(rule, use, replace(PLACE, ignores_case=True))


def test_a_link_is_judged_at_both_ends() -> None:
    deny, allow = a_rule("Read(.env)"), a_rule("Edit(/src/**)", Listed.ALLOW)
    assert fit(deny, reads("link", real=f"{PROJECT}/.env"), PLACE) is Fit.ALL
    assert fit(deny, reads(".env", real="/elsewhere/harmless"), PLACE) is Fit.ALL
    assert not covers(allow, writes("src/link", real="/etc/passwd"), PLACE)
    assert not covers(allow, writes("other/link", real=f"{PROJECT}/src/a"), PLACE)
    assert covers(allow, writes("/linked/larder/src/a", real=f"{PROJECT}/src/a"), PLACE)


def test_a_rule_of_a_settings_file_begins_at_its_own_folder() -> None:
    rule = a_rule("Read(/anchored/**)", anchor="/home/dev/.claude")
    assert fit(rule, reads("anchored/f"), PLACE) is Fit.NONE
    assert fit(rule, reads("/home/dev/.claude/anchored/f"), PLACE) is Fit.ALL


def test_a_pattern_fits_from_the_folder_of_now_and_from_the_project() -> None:
    rule, place = a_rule("Read(./k/f)"), replace(PLACE, cwd=f"{PROJECT}/web")
    assert fit(rule, reads("k/f"), place) is Fit.ALL
    assert fit(rule, reads("web/k/f"), place) is Fit.ALL


def test_what_lies_below_is_covered_in_part_or_as_a_whole() -> None:
    rule = a_rule("Edit(./protected/**)")
    assert fit(rule, deletes(".", is_folder=True, below=True), PLACE) is Fit.SOME
    assert fit(rule, deletes("protected", is_folder=True, below=True), PLACE) is Fit.ALL
    assert fit(rule, deletes("src", is_folder=True, below=True), PLACE) is Fit.NONE
    assert fit(rule, deletes("protected", below=True), PLACE) is Fit.NONE  # a file of that name has nothing below it


def test_what_may_be_any_path_may_be_a_covered_one() -> None:
    rule = a_rule("Read(./secrets/**)")
    assert fit(rule, a_use(Use.READ, "/**", real="", is_pattern=True), PLACE) is Fit.SOME
    assert fit(rule, a_use(Use.READ, "s*/k", real="", is_pattern=True), PLACE) is Fit.SOME
    assert fit(rule, a_use(Use.READ, "src/*", real="", is_pattern=True), PLACE) is Fit.NONE
    assert fit(a_rule("Read(.env)"), a_use(Use.READ, ".e*", real="", is_pattern=True), PLACE) is Fit.SOME
    assert fit(a_rule("Read(.env)"), a_use(Use.READ, "*", real="", is_pattern=True), PLACE) is Fit.NONE  # `*` takes no dot


def test_what_may_be_any_path_is_allowed_only_where_all_of_it_is() -> None:
    rule = a_rule("Edit(//tmp/**)", Listed.ALLOW)
    assert covers(rule, a_use(Use.WRITE, "/tmp/larder-*.txt", real="", is_pattern=True), PLACE)
    assert not covers(rule, a_use(Use.WRITE, "/tmp/**", real="", is_pattern=True), PLACE)
    assert not covers(rule, a_use(Use.WRITE, "/tmp/.*", real="", is_pattern=True), PLACE)
    assert not covers(rule, a_use(Use.WRITE, "/t*/x", real="", is_pattern=True), PLACE)


def test_without_a_home_a_rule_about_it_is_about_any() -> None:
    place = Place(cwd=PROJECT, roots=(PROJECT,))
    assert fit(a_rule("Read(~/.ssh/**)"), reads("/home/who/.ssh/id"), place) is Fit.ALL
    assert not covers(a_rule("Edit(~/x/**)", Listed.ALLOW), writes("/home/who/x/y"), place)


def test_a_pattern_of_many_stars_is_no_work_for_hours() -> None:
    rule = a_rule(f"Read({'*a' * 200}b)")
    assert fit(rule, reads("a" * 4000), PLACE) is Fit.NONE
