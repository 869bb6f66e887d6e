"""What a run has written is known to whoever reads a script that it runs."""

from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.local import Judgement, Kind, LocalAct, PathUse, Place, Use
from ringfence.core.model.run import Run
from ringfence.core.shell.written import Unread
from ringfence.engine.local.written import MOST_PATHS, MOST_RUNS, MOST_TEXT, RunFiles, WrittenFiles, note_acts
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.scenario import SMALL_WRITE

PLACE = Place(cwd="/p", roots=("/p",))


def noted(*uses: PathUse, words: tuple[str, ...] = (), content: str | None = None) -> RunFiles:
    files = RunFiles()
    act = LocalAct(kind=Kind.COMMAND, text=" ".join(words), words=words, profile=SMALL_WRITE, paths=uses)
    note_acts(files, Judgement(place=PLACE, acts=(act,), profile=SMALL_WRITE), content)
    return files


def a_run(name: str, clock: FakeClock) -> Run:
    return Run(
        id=RunId(name),
        agent=AgentId("a"),
        task="",
        task_trusted=False,
        opened_by="operator:ada",
        opened_at=clock.now(),
        expires_at=None,
    )


def test_a_written_text_is_known_by_both_names_of_its_file() -> None:
    files = noted(PathUse(use=Use.WRITE, path="/p/l", real="/p/x.sh"), content="true")
    assert files.written("/p/l") == files.written("/p/x.sh") == "true"
    assert files.written("/p/y.sh") is Unread.NOT_WRITTEN


def test_what_a_command_writes_is_not_known_and_what_is_removed_is_empty() -> None:
    assert noted(PathUse(use=Use.WRITE, path="/p/x")).written("/p/x") is Unread.UNREADABLE
    assert noted(PathUse(use=Use.DELETE, path="/p/x")).written("/p/x") == ""
    assert noted(PathUse(use=Use.READ, path="/p/x")).written("/p/x") is Unread.NOT_WRITTEN


def test_a_pattern_and_a_folder_may_be_anything_below() -> None:
    assert noted(PathUse(use=Use.WRITE, path="/p/b/*.sh", is_pattern=True)).written("/p/b/x.sh") is Unread.UNREADABLE
    below = PathUse(use=Use.WRITE, path="/p/b", below=True)
    assert noted(below).written("/p/b/c/x.sh") is Unread.UNREADABLE
    assert noted(below).written("/p/bb") is Unread.NOT_WRITTEN


def test_a_formatter_over_the_project_writes_no_scripts_and_a_copy_into_it_may() -> None:
    whole = PathUse(use=Use.WRITE, path="/p", below=True, is_folder=True)
    assert noted(whole, words=("ruff", "format", ".")).written("/p/run.sh") is Unread.NOT_WRITTEN
    assert noted(whole, words=("/bin/cp", "-r", "/tmp/x/.", ".")).written("/p/run.sh") is Unread.UNREADABLE


def test_a_known_text_is_forgotten_when_something_is_written_over_its_folder() -> None:
    files = noted(PathUse(use=Use.WRITE, path="/p/b/x.sh"), content="true")
    files.note_below("/p/b")
    assert files.written("/p/b/x.sh") is Unread.UNREADABLE


def test_texts_beyond_what_is_kept_are_written_by_nobody_knows_what() -> None:
    files = RunFiles()
    for index in range(MOST_TEXT // 200_000 + 2):
        files.note(f"/p/{index}", "x" * 200_000)
    assert files.written("/p/0") == "x" * 200_000
    assert files.written(f"/p/{MOST_TEXT // 200_000 + 1}") is Unread.UNREADABLE
    files.note("/p/0", "short")
    assert files.written("/p/0") == "short"


def test_where_too_much_was_written_everything_counts_as_written() -> None:
    files = RunFiles()
    for index in range(MOST_PATHS + 1):
        files.note(f"/p/{index}", None)
    assert files.written("/elsewhere") is Unread.UNREADABLE


def test_a_run_of_which_more_may_have_been_known_counts_as_having_written_everything() -> None:
    clock = FakeClock()
    old = a_run("old", clock)
    clock.advance(1_000)
    runs = WrittenFiles(clock)
    assert runs.of(old).written("/p/x") is Unread.UNREADABLE
    fresh = a_run("fresh", clock)
    assert runs.of(fresh).written("/p/x") is Unread.NOT_WRITTEN
    clock.advance(1_000)
    for index in range(MOST_RUNS):
        runs.of(a_run(f"r{index}", clock))
    assert runs.of(fresh).written("/p/x") is Unread.UNREADABLE, "it was forgotten"
    runs.forget(fresh.id)


def test_what_is_too_much_to_remember_is_not_remembered() -> None:
    files = RunFiles()
    for index in range(MOST_PATHS + 1):
        files.note(f"/p/{index}", "text")
    assert files.weight == 0
    files.note("/p/another", "text")
    files.note_below("/q")
    assert files.weight == 0
    assert files.written("/anywhere") is Unread.UNREADABLE


def test_runs_together_remember_only_so_much_and_the_oldest_gives_way() -> None:
    clock = FakeClock()
    runs = WrittenFiles(clock, most=100)
    first, second = a_run("first", clock), a_run("second", clock)
    runs.of(first).note("/p/x", "a" * 60)
    clock.advance(1_000)
    runs.of(second).note("/p/y", "b" * 60)
    assert runs.of(second).written("/p/y") == "b" * 60
    assert runs.of(first).written("/p/z") is Unread.UNREADABLE, "it was forgotten, so nobody knows"
