"""Files that stand where a value of an option may stand: what is a value to one program is a flag to its neighbour."""

from __future__ import annotations

import shlex

import pytest

from ringfence.app.command_profiles import command_profiles
from ringfence.core.commands.describing import describe
from ringfence.core.model.local import LocalAct, Place, Undecided, Use
from ringfence.core.shell.command import Command, Word

PROFILES = command_profiles()
PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")


def act(text: str, *, stdin: str | None = None, piped: bool = False) -> LocalAct:
    words = tuple(Word(text=one, raw=one) for one in shlex.split(text))
    return describe(Command(words=words, cwd="/p", raw=text, stdin=stdin, piped=piped), PROFILES, PLACE).act


def uses(text: str) -> set[tuple[Use, str]]:
    return {(use.use, use.path) for use in act(text).paths}


def doubts(one: LocalAct) -> set[Undecided]:
    return {doubt.kind for doubt in one.doubts}


FLAGS = [
    *(f"cat -{letter} .env" for letter in "nAevsbt"),
    *(f"od -{letter} .env" for letter in "bvsdil"),
    *(f"strings -{letter} .env" for letter in "afdws"),
    *(f"pr -{letter} .env" for letter in "tdfeni"),
    *(f"fold -{letter} .env" for letter in "sb"),
    *(f"hexdump -{letter} .env" for letter in "vbdf"),
    *("zcat -f .env", "nl -b .env", "fmt -s .env", "objdump -s .env", "nm -a .env", "bat -A .env", "md5sum -b .env"),
    *("comm -1 .env README.md", "comm -2 .env README.md", "diff3 -x .env a b", "more -p .env", "less -h .env"),
    *("units -f .env x", "man ./.env", "man -7 .env", "info -f .env", "info .env", "tree --fromfile .env", "iconv .env"),
    *("node --env-file-if-exists=.env -p 1", "cloc --list-file=.env .", "ajv compile -s .env", "xz --files=.env"),
    *("tar --add-file=.env -c", "tar -c --add-f=.env", "actionlint -config-file .env", "git config --blob HEAD:.env -l"),
    *("git -c blame.ignoreRevsFile=.env blame README.md", "git interpret-trailers .env"),
    "git stash push --pathspec-from-file .env",
]  # fmt: skip


@pytest.mark.parametrize("text", FLAGS)
def test_the_word_behind_a_flag_is_read(text: str) -> None:
    assert (Use.READ, "/p/.env") in uses(text)


WRITES = [
    ("iconv -t utf-16 README.md -o x/f", "/p/x/f"),
    ("csplit --prefix=x/f README.md 1", "/p/x/f"),
    ("awk -ox/f 1", "/p/x/f"),
    ("awk --profile=x/f 1 README.md", "/p/x/f"),
    ("sed -i'x/*' s/a/b/ f", "/p/x/f"),
    ("sed --in-place='../x/*' s/a/b/ f", "/x/f"),
    ("mktemp x/f", "/p/x/f"),
    ("mktemp -p x", "/p/x"),
    ("zip x.zip -O x/f README.md", "/p/x/f"),
    ("zip x.zip --out x/f README.md", "/p/x/f"),
    ("zstd --output-dir-flat=x README.md", "/p/x"),
    ("brotli --output=x/f README.md", "/p/x/f"),
    ("tidy -m x/f", "/p/x/f"),
    ("tidy -f x/f README.md", "/p/x/f"),
    ("markdownlint --fix x/f", "/p/x/f"),
    ("typos -w x/f", "/p/x/f"),
    ("jsonlint -i x/f", "/p/x/f"),
    ("scc -o x/f", "/p/x/f"),
    ("cloc --report-file=x/f .", "/p/x/f"),
    ("ajv compile -s a -o x/f", "/p/x/f"),
    ("info -o x/f a", "/p/x/f"),
    ("yq e --inpl '.x=1' x/f", "/p/x/f"),
    ("git interpret-trailers --in-place x/f", "/p/x/f"),
    ("git stash list -p --output=x/f", "/p/x/f"),
    ("git reflog --output=x/f", "/p/x/f"),
    ("git bisect visualize --output=x/f", "/p/x/f"),
]


@pytest.mark.parametrize(("text", "path"), WRITES)
def test_files_that_an_option_has_written_are_named(text: str, path: str) -> None:
    assert (Use.WRITE, path) in uses(text)


@pytest.mark.parametrize(
    "text", ["typos", "markdownlint README.md", "jsonlint a.json", "tidy -e a.html", "awk -d 1", "iconv a"]
)
def test_without_such_an_option_nothing_is_written(text: str) -> None:
    assert not [use for use, _ in uses(text) if use is Use.WRITE]


RUNS = [
    *(
        "bat --pager ./x README.md",
        "less --cmd='!touch M' a",
        "less --lesskey-content=x a",
        "less '+G!touch M' a",
        "less +5v a",
    ),
    *("less '+/x\n!touch M' a", "actionlint -shellcheck ./x", "cloc --vcs='touch M' .", "cloc --extract-with='touch M' ."),
    *(
        "markdownlint -r ./x a",
        "ajv validate -s a -c ./x.js",
        "mawk -Wexec=x",
        "awk -D 1",
        "ack --pager=./x a",
        "ugrep --filter=x a",
    ),
    *("xmllint --noent a", "xmllint --xinclude a", "xmllint a --shell", "man -X ls", "dc -e '!touch M'", "git bisect replay x"),
    'yq \'eval("lo" + "ad")\' a',
]


@pytest.mark.parametrize("text", RUNS)
def test_what_has_a_program_run_is_in_doubt(text: str) -> None:
    assert Undecided.CODE in doubts(act(text))


@pytest.mark.parametrize(
    "text", ["less +G a", "less +12 a", "less +/x a", "less +F a", "man ls", "man 3 printf", "bat -p a", "xmllint --noout a"]
)
def test_the_same_programs_at_their_work_are_not(text: str) -> None:
    assert not doubts(act(text))


def test_a_calculator_runs_lines_of_its_input() -> None:
    assert doubts(act("dc", stdin="!touch M\n")) == doubts(act("dc", piped=True)) == {Undecided.CODE}
    assert not doubts(act("dc", stdin="1 2 + p\n"))
    assert not doubts(act("bc", piped=True))


@pytest.mark.parametrize(
    "text",
    ["sort --files0-from=-", "zip x.zip -@", "xz --files", "git cat-file --batch", "git show --stdin", "yq -s .x a.yaml"],
)
def test_files_that_are_named_elsewhere_are_in_doubt(text: str) -> None:
    assert doubts(act(text)) & {Undecided.PATH, Undecided.CODE}


def test_names_of_objects_may_be_asked_for() -> None:
    assert not doubts(act("git cat-file --batch-check"))


def test_each_folder_of_tar_counts_for_the_files_behind_it() -> None:
    read = {path for use, path in uses("tar -c -C a x -C ../b y /z") if use is Use.READ}
    assert read == {"/p/a/x", "/p/b/y", "/z"}


def test_permissions_of_a_tree_are_changed_below_it() -> None:
    assert [use.below for use in act("chmod -R 777 x").paths] == [True]
    assert [use.below for use in act("chmod 777 x").paths] == [False]


@pytest.mark.parametrize("text", ["grep --recurs x .", "grep --dereference-r x .", "grep -r x ."])
def test_a_long_option_counts_however_it_is_shortened(text: str) -> None:
    assert [use.below for use in act(text).paths] == [True]


PATHSPECS = [
    ("git show HEAD secrets", "/p/secrets", ()),
    ("git diff HEAD~1 HEAD secrets", "/p/secrets", ()),
    ("git log -p --remotes secrets", "/p/secrets", ()),
    ("git grep x secrets", "/p/secrets", ()),
    ("git grep -e x secrets", "/p/secrets", ()),
    ("git grep x HEAD -- secrets", "/p/secrets", ()),
    ("git archive HEAD secrets", "/p/secrets", ()),
    ("git archive HEAD", "/p", ()),
    ("git grep x", "/p", ()),
    ("git log -p ':(glob)secrets/**'", "/p", ()),
    ("git log -p ':(icase)SECRETS'", "/p", ()),
    ("git grep x -- '*env'", "/p", ("*env",)),
    ("git log -p -- 'se*/k*'", "/p", ("k*",)),
    ("git add -f '.e*'", "/p", (".e*",)),
    ("git add -Af", "/p", ()),
    ("git add -f ':!src'", "/p", ()),
    ("git stash -a", "/p", ()),
]


@pytest.mark.parametrize(("text", "path", "only"), PATHSPECS)
def test_git_finds_paths_without_a_mark(text: str, path: str, only: tuple[str, ...]) -> None:
    found = [use for use in act(text).paths if use.use is Use.READ and use.path == path and use.below]
    assert any(use.only == only for use in found)


def test_what_git_searches_for_is_no_path() -> None:
    assert (Use.READ, "/p/secrets") not in uses("git grep secrets -- src")
    assert (Use.READ, "/p/secrets") in uses("git grep -e x secrets")


def shows(name: str, raw: str) -> bool:
    words = (Word(text=name, raw=name), Word(text="?", raw=raw, is_known=False))
    made = describe(Command(words=words, cwd="/p", raw=f"{name} {raw}"), PROFILES, PLACE).act
    return any(use.path == "/proc/self/environ" for use in made.paths)


@pytest.mark.parametrize("name", ["echo", "ls", "date", "seq", "expr", "basename"])
def test_a_command_that_prints_its_words_shows_a_secret_among_them(name: str) -> None:
    assert shows(name, '"$API_TOKEN"')
    assert shows(name, '"${!v}"')
    assert not shows(name, '"$HOME"')
    assert not shows(name, '"${!list[@]}"')


def test_what_sends_its_words_to_a_service_does_not_print_them() -> None:
    assert not shows("psql", '"$DATABASE_URL"')
