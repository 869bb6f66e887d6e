"""What a tool of a client's own is, for one call of it."""

from dataclasses import replace

from ringfence.core.model.local import Judgement, Kind, LocalAct, PathUse, Place, Use
from ringfence.core.model.profile import WORST_PROFILE
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.own_tools.local_calls import LOCAL_TOOLS, MOST_SHOWN, arguments_of, judged, tool_id
from ringfence.testing.scenario import SMALL_WRITE

PLACE = Place(cwd="/p", roots=("/p",))


def worst_of(*acts: LocalAct) -> str:
    own = LOCAL_TOOLS[tool_id("Bash")]
    profile = replace(SMALL_WRITE, authority=None)
    return judged(build_tool(own.definition, own.rule, None), Judgement(place=PLACE, acts=acts, profile=profile)).profile.worst


def act(text: str, *via: str, is_small: bool = True) -> LocalAct:
    profile = SMALL_WRITE if is_small else WORST_PROFILE
    return LocalAct(kind=Kind.COMMAND, text=text, via=via, profile=profile)


def test_a_card_names_what_is_done_behind_what_was_written() -> None:
    said = worst_of(act("echo hi"), act("rm -rf keep", "bash -c", "eval", is_small=False))
    assert said == "It does: rm -rf keep (through bash -c > eval); echo hi."


def test_a_card_counts_what_it_does_not_name_and_hides_nothing_in_a_line() -> None:
    said = worst_of(*(act(f"touch {index}\u202e\n") for index in range(MOST_SHOWN + 2)))
    assert said.endswith("; and 2 more.")
    assert "\u202e" not in said
    assert "\n" not in said


def test_a_card_names_the_files_that_a_command_writes_and_removes() -> None:
    paths = (
        PathUse(path="/p/out", use=Use.WRITE),
        PathUse(path="/p/in", use=Use.READ),
        PathUse(path="/p/old\u202e", use=Use.DELETE),
    )
    said = worst_of(replace(act("sort in"), paths=paths))
    assert said == "It does: sort in. It removes, empties or moves away: /p/old<U+202E>. It writes: /p/out."
    many = tuple(PathUse(path=f"/p/{index}", use=Use.WRITE) for index in range(MOST_SHOWN + 3))
    assert worst_of(replace(act("tee"), paths=many)).endswith("; and 3 more.")


def test_a_card_says_what_is_done_to_the_file_of_a_file_tool() -> None:
    file = LocalAct(
        kind=Kind.FILE, text="/p/ci.yml", tool="Write", paths=(PathUse(path="/p/ci.yml", use=Use.WRITE),), profile=SMALL_WRITE
    )
    assert worst_of(file) == "It does: Write /p/ci.yml."


def test_a_tool_is_what_its_judgement_says_and_nothing_of_it_carries_authority() -> None:
    own = LOCAL_TOOLS[tool_id("Bash")]
    tool = build_tool(own.definition, own.rule, None)
    assert tool.profile.reversible is False
    profile = replace(SMALL_WRITE, authority=None, objects=())
    small = judged(tool, Judgement(place=PLACE, acts=(), profile=profile))
    assert small.profile_for({}).reversible
    assert small.profile.authority == ()
    assert small.profile.objects == tool.profile.objects
    assert small.pin == tool.pin


def test_arguments_name_the_clients_own_tool_where_it_has_another_name() -> None:
    assert arguments_of("Bash", "Bash", {"command": "ls"}, "/p") == {"input": {"command": "ls"}, "cwd": "/p"}
    assert arguments_of("Agent", "Task", {}, "/p") == {"input": {}, "cwd": "/p", "tool": "Task"}
