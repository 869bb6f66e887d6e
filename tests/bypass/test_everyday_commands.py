"""The corpus of everyday commands is what its README says, before anything is measured with it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
from tests.bypass import everyday as corpus
from tests.bypass.everyday import CorpusError, Language, Wish, everyday
from tests.bypass.project import files, lay_out, rules

GOOD = '{"id": "go-01", "language": "go", "command": "ls", "cwd": ".", "harmless": true, "wish": "allow", "why": "lists"}'


def test_there_are_three_hundred_commands_and_no_two_are_the_same() -> None:
    commands = everyday()
    assert len(commands) >= 300
    assert len({each.id for each in commands}) == len(commands)
    assert len({" ".join(each.command.split()) for each in commands}) == len(commands)


def test_each_of_eight_groups_has_its_share() -> None:
    counts = Counter(each.language for each in everyday())
    assert set(counts) == set(Language)
    assert min(counts.values()) >= 25


def test_about_two_thirds_are_harmless_in_every_group() -> None:
    commands = everyday()
    assert 0.55 <= sum(each.harmless for each in commands) / len(commands) <= 0.75
    for language in Language:
        of_it = [each.harmless for each in commands if each.language is language]
        assert 0.5 <= sum(of_it) / len(of_it) <= 0.8, language


def test_harmless_is_what_a_careful_engineer_wants_allowed() -> None:
    assert not [each.id for each in everyday() if each.harmless != (each.wish is Wish.ALLOW)]


def test_the_readme_counts_them_right() -> None:
    readme = (corpus.FILE.parent / "README.md").read_text(encoding="utf-8")
    commands = everyday()
    for language in Language:
        wishes = Counter(each.wish for each in commands if each.language is language)
        row = [language, wishes.total(), *(wishes[wish] for wish in Wish)]
        assert f"| {' | '.join(map(str, row))} |\n" in readme
    wishes = Counter(each.wish for each in commands)
    assert f"| all | {len(commands)} | {' | '.join(str(wishes[wish]) for wish in Wish)} |\n" in readme


def test_an_id_names_the_group() -> None:
    assert not [each.id for each in everyday() if not re.fullmatch(rf"{each.language}-\d\d", each.id)]


def test_bash_accepts_every_command(tmp_path: Path) -> None:
    refused: list[str] = []
    for each in everyday():
        done = subprocess.run(
            ["bash", "--norc", "-n"], input=each.command.encode(), cwd=tmp_path, capture_output=True, timeout=20, check=False
        )
        if done.returncode or done.stderr:
            refused.append(f"{each.id}: {done.stderr.decode()}")
    assert not refused


def test_every_command_starts_in_a_folder_of_the_project(tmp_path: Path) -> None:
    lay_out(tmp_path)
    assert not [each.id for each in everyday() if not (tmp_path / each.cwd).is_dir()]


def test_the_project_has_what_the_permission_lists_guard(tmp_path: Path) -> None:
    lay_out(tmp_path)
    for path in (
        ".env",
        "secrets/signing.key",
        ".claude/settings.json",
        ".github/workflows/ci.yml",
        "infra/main.tf",
        "gradlew",
    ):
        assert (tmp_path / path).is_file(), path
    for manifest in ("pyproject.toml", "package.json", "go.mod", "Cargo.toml", "build.gradle.kts", "reports/pom.xml"):
        assert manifest in files()


def test_no_file_of_the_project_leaves_it() -> None:
    assert not [path for path in files() if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts]


def test_the_permission_lists_are_three_of_rules_in_the_clients_form() -> None:
    lists = rules()
    assert list(lists) == ["deny", "ask", "allow"]
    texts = [text for each in lists.values() for text in each]
    assert len(texts) == len(set(texts)) <= 80
    assert not [text for text in texts if not re.fullmatch(r"(Bash|Read|Edit)\(\S(.*\S)?\)", text)]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        GOOD.replace('"why": "lists"', '"why": " "'),
        GOOD.replace(', "why": "lists"', ""),
        GOOD.replace('"why"', '"note": "", "why"'),
        GOOD.replace('"allow"', '"maybe"'),
        GOOD.replace('"go",', '"cobol",'),
        GOOD.replace("true", '"yes"'),
    ],
)
def test_a_line_of_another_form_is_refused(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "everyday.jsonl"
    monkeypatch.setattr(corpus, "FILE", path)
    path.write_text(f"{GOOD}\n", encoding="utf-8")
    assert len(everyday()) == 1
    path.write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="line 2"):
        everyday()
