"""What permission lists make of a call: deny before ask before allow, over everything that the call does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.core.model.local import Doubt, Kind, LocalAct, Undecided, Use
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.core.permissions.weighing import weigh
from ringfence.testing.acts import HOME, PROJECT, a_command, a_list, a_tool, a_use, deletes, judged, reads, writes

ALLOW, ASK, DENY = Level.ALLOW, Level.ASK, Level.DENY
BARE = ("Bash", "Read", "Edit", "Write")
DOUBT = Doubt(Undecided.EVAL, "text that is made at run time is run")


def level(lists: PermissionLists | None, *acts: LocalAct, text: str = "") -> Level:
    return weigh(lists, judged(*acts, text=text)).level


def test_deny_goes_before_ask_and_ask_before_allow_however_exact_a_rule_is() -> None:
    act = a_command("git push origin main", "sends")
    assert level(a_list(allow=["Bash(git push origin main)"]), act) is ALLOW
    assert level(a_list(allow=["Bash(git push origin main)"], ask=["Bash(git *)"]), act) is ASK
    assert level(a_list(allow=["Bash(git push origin main)"], ask=["Bash(git *)"], deny=["Bash"]), act) is DENY


def test_a_call_is_what_its_strictest_act_is() -> None:
    lists = a_list(deny=["Bash(rm *)"], ask=["Bash(make *)"], allow=["Bash(npm test *)"])
    fine, asked, denied = a_command("npm test", "project"), a_command("make", "project"), a_command("rm x", "deletes")
    assert level(lists, fine) is ALLOW
    assert level(lists, fine, asked) is ASK
    assert level(lists, fine, asked, denied) is DENY
    assert level(lists, fine, a_command("other", "project")) is ASK


def test_what_only_reads_the_project_needs_no_rule() -> None:
    lists = a_list()
    assert level(lists, a_command("echo hi")) is ALLOW
    assert level(lists, a_command("cat README.md", "reads", paths=(reads("README.md"),))) is ALLOW
    assert level(lists, a_command("git log", "reads project")) is ALLOW
    assert level(lists, a_command("ps", "reads machine")) is ALLOW
    assert level(lists, a_tool("Read", "README.md", reads("README.md"))) is ALLOW
    assert level(lists, a_tool("Agent", "Explore", kind=Kind.AGENT, does="says")) is ALLOW


@pytest.mark.parametrize("use", [Use.READ, Use.LIST])
def test_what_reads_or_lists_outside_asks_unless_a_read_rule_speaks_for_it(use: Use) -> None:
    act = a_command("cat /etc/hostname", "reads", paths=(a_use(use, "/etc/hostname"),))
    assert level(a_list(), act) is ASK
    assert level(a_list(allow=["Bash"]), act) is ASK
    assert level(a_list(allow=["Read(//etc/**)"]), act) is ALLOW
    assert level(a_list(allow=["Read"]), act) is ALLOW
    assert level(replace(a_list(), directories=("/etc",)), act) is ALLOW


def test_a_link_that_leads_outside_is_outside() -> None:
    assert level(a_list(), a_tool("Read", "link", reads("link", real="/etc/passwd"))) is ASK


def test_a_program_is_no_path_to_ask_about() -> None:
    act = a_command("/usr/bin/make all", "project", paths=(a_use(Use.EXECUTE, "/usr/bin/make"),))
    assert level(a_list(allow=["Bash(/usr/bin/make *)"]), act) is ALLOW


def test_every_path_that_is_changed_needs_an_edit_rule_whatever_the_command() -> None:
    act = a_command("sort -o M src", "writes", paths=(reads("src"), writes("M")))
    assert level(a_list(allow=["Bash(sort *)"]), act) is ASK
    assert level(a_list(allow=["Bash(sort *)", "Edit(/**)"]), act) is ALLOW
    assert level(a_list(allow=["Edit(/**)"]), act) is ALLOW
    assert level(a_list(allow=["Edit(/other/**)"]), act) is ASK
    assert level(a_list(allow=["Bash"]), act) is ALLOW  # every command, so every change in the project that can be undone
    assert level(a_list(allow=["Bash"]), a_command("tee /x/f", "writes", paths=(writes("/x/f"),))) is ASK


def test_an_edit_rule_does_not_speak_for_what_else_a_command_does() -> None:
    act = a_command("make > log", "project", paths=(writes("log"),))
    assert level(a_list(allow=["Edit(/**)"]), act) is ASK
    assert level(a_list(allow=["Edit(/**)", "Bash(make *)"]), act) is ALLOW


def test_file_tools_need_an_edit_rule_and_no_other() -> None:
    act = a_tool("Write", "src/a.py", writes("src/a.py"))
    assert level(a_list(), act) is ASK
    for rule in ("Edit(/src/**)", "Edit", "Write"):
        assert level(a_list(allow=[rule]), act) is ALLOW
    assert level(a_list(allow=["Edit"]), a_tool("Write", "/etc/x", writes("/etc/x"))) is ASK


def test_path_rules_hold_by_whatever_means_a_path_is_touched() -> None:
    lists = a_list(deny=["Read(.env)", "Edit(/protected/**)"], allow=BARE)
    for use in (Use.READ, Use.WRITE, Use.DELETE, Use.EXECUTE):
        assert level(lists, a_command("any thing", "writes", paths=(a_use(use, "sub/.env"),))) is DENY
    assert level(lists, a_command("ls -a", "reads", paths=(a_use(Use.LIST, ".env"),))) is ALLOW
    assert level(lists, a_command("x", "reads", paths=(reads("protected/f"),))) is ALLOW
    for use in (Use.WRITE, Use.DELETE):
        assert level(lists, a_command("x", "writes", paths=(a_use(use, "protected/f"),))) is DENY


def test_what_lies_in_a_folder_that_somebody_named_asks() -> None:
    lists = a_list(deny=["Read(.env)"], allow=BARE)
    found = reads(".env", through=PROJECT)
    assert level(lists, a_command("grep -r x .", "reads", paths=(reads(".", is_folder=True, below=True), found))) is ASK


def test_a_bare_shell_rule_speaks_for_nothing_large_or_outbound() -> None:
    for kind in ("loses", "sends", "spends", "grants", "fetches", "unknown", "destroys"):
        assert level(a_list(allow=["Bash"]), a_command("tool do it", kind)) is ASK, kind
        assert level(a_list(allow=["Bash(*)"]), a_command("tool do it", kind)) is ASK, kind
    for kind in ("project", "machine", "says"):
        assert level(a_list(allow=["Bash"]), a_command("tool do it", kind)) is ALLOW, kind


def test_what_is_large_needs_a_rule_that_names_the_subcommand() -> None:
    act = a_command("git push origin", "sends")
    assert level(a_list(allow=["Bash(git *)"]), act) is ASK
    weighed = weigh(a_list(allow=["Bash(git push *)"]), judged(act))
    assert weighed.level is ALLOW
    assert weighed.acts[0].is_named
    assert not weigh(a_list(allow=["Bash(git *)"]), judged(a_command("git fetch", "fetches"))).acts[0].is_named


def test_what_shows_secrets_of_the_machine_needs_a_rule_that_names_it() -> None:
    assert level(a_list(allow=["Bash"]), a_command("printenv TOKEN", "reads secrets")) is ASK
    assert level(a_list(allow=["Bash(printenv *)"]), a_command("printenv TOKEN", "reads secrets")) is ALLOW


def test_a_doubt_asks_whatever_is_allowed_but_the_text_itself() -> None:
    act = a_command("eval $x", "project", doubts=(DOUBT,))
    assert level(a_list(allow=["Bash", "Bash(eval *)"]), act) is ASK
    assert level(a_list(allow=["Bash(eval '$x')"]), act) is ASK
    assert level(a_list(allow=["Bash(eval $x)"]), act, text="eval $x") is ALLOW
    assert level(None, act) is ASK
    assert weigh(None, judged(act)).acts[0].code is ReasonCode.UNDECIDED


def test_a_doubt_of_the_whole_text_is_lifted_by_a_rule_that_is_the_text() -> None:
    judgement = judged(a_command("a", "project"), text="a <(b)", doubts=(DOUBT,))
    assert weigh(a_list(allow=["Bash", "Bash(a *)"]), judgement).level is ASK
    assert weigh(a_list(allow=["Bash(a <(b))"]), judgement).level is ALLOW
    assert weigh(a_list(allow=["Bash(a <(b))"], deny=["Bash(a *)"]), judgement).level is DENY
    assert weigh(a_list(allow=["Edit(a <(b))"]), judgement).level is ASK


def test_words_that_come_later_are_not_read_by_who_read_the_rest() -> None:
    act = a_command("rm", "deletes", via=("xargs",), doubts=(Doubt(Undecided.PATH, "words that are known only when it runs"),))
    assert level(a_list(allow=["Bash(rm)", "Bash(find *)"]), act, text="find . | xargs rm") is ASK


def test_a_text_in_which_nothing_was_found_asks() -> None:
    assert weigh(a_list(allow=["Bash"]), judged(text="odd")).level is ASK


def test_a_command_that_nobody_has_described_is_answered_for_by_a_rule_that_names_it() -> None:
    act = a_command("./deploy.sh --dry", "unknown", doubts=(Doubt(Undecided.UNKNOWN, "no profile knows it"),))
    assert level(a_list(allow=["Bash"]), act) is ASK
    assert level(a_list(allow=["Bash(./deploy.sh *)"]), act) is ALLOW


REMOVING = {
    "unlink keep/f": deletes("keep/f"),
    "find keep -delete": deletes("keep", is_folder=True, below=True),
    "git clean -fdx": deletes("build", is_folder=True, below=True),
    "truncate -s0 keep/f": deletes("keep/f", empties=True),
    "mv keep gone": deletes("keep", is_folder=True, below=True, moved_to=f"{PROJECT}/gone/keep"),
    "mv f /tmp/f": deletes("f", moved_to="/tmp/f"),
    "shred -u f": deletes("f"),
    "rsync --delete a b": deletes("b/x"),
}


@pytest.mark.parametrize("command", REMOVING)
def test_where_rm_is_denied_or_asked_other_verbs_that_remove_are_no_way_around(command: str) -> None:
    act = a_command(command, "writes", paths=(REMOVING[command],))
    allow = ("Bash", "Edit(/**)", "Edit(//tmp/**)", f"Bash({command.split(' ')[0]} *)")
    for rule in ("Bash(rm *)", "Bash(rm:*)", "Bash(rm -rf *)", "Bash(/bin/rm *)"):
        assert level(a_list(deny=[rule], allow=allow), act) >= ASK
        assert level(a_list(ask=[rule], allow=allow), act) is ASK
    assert level(a_list(deny=["Bash(rm -rf /opt/x)"], allow=allow), act) is ALLOW


def test_a_clear_removal_is_denied_where_rm_is() -> None:
    act = a_command("unlink keep/f", "deletes", paths=(deletes("keep/f"),))
    assert level(a_list(deny=["Bash(rm *)"], allow=BARE), act) is DENY


def test_a_file_that_moves_within_the_project_is_not_removed() -> None:
    lists = a_list(deny=["Bash(rm *)"], allow=("Edit(/**)",))
    moved = a_command("mv a b", "writes", paths=(deletes("a", moved_to=f"{PROJECT}/b"), writes("b")))
    assert level(lists, moved) is ALLOW


def test_sql_is_what_the_statement_does_and_not_what_a_text_says() -> None:
    lists = a_list(deny=["Bash(*DROP TABLE*)"], allow=["Bash(psql *)", "Bash(git commit *)", "Bash(grep *)", "Edit(/**)"])
    assert level(lists, a_command("psql -c 'drop table items'", "asks", statements=("DROP TABLE items",))) is DENY
    assert level(lists, a_command("psql -c 'select 1'", "asks", statements=("SELECT",))) is ALLOW
    assert level(lists, a_command("grep 'DROP TABLE' x", "reads", paths=(reads("x"),))) is ALLOW
    assert level(lists, a_command("git commit -m 'DROP TABLE x'", "project")) is ALLOW
    unread = a_command("psql -c 'DROP TABLE ((('", "asks", doubts=(Doubt(Undecided.PARSE, "no SQL"),))
    assert level(lists, unread) is DENY


def test_a_rule_may_name_a_whole_compound() -> None:
    parts = (a_command("t10 a", "project"), a_command("t10 b", "project"))
    assert level(a_list(deny=["Bash(t10 a && t10 b)"], allow=["Bash"]), *parts, text="t10 a &&  t10 b") is DENY
    assert level(a_list(deny=["Bash(t10 a && t10 b)"], allow=["Bash"]), parts[0], text="t10 a") is ALLOW
    assert level(a_list(allow=["Bash(t10 a && t10 b)"]), *parts, text="t10 a && t10 b") is ALLOW
    assert level(a_list(deny=["Bash(curl * | sh)"], allow=["Bash"]), *parts, text="curl x | sh") is DENY


HOSTS = [
    ("a.example", "a.example", ALLOW),
    ("a.example", "A.example.", ALLOW),
    ("a.example", "x.a.example", ASK),
    ("*.b.example", "x.y.b.example", ALLOW),
    ("*.b.example", "b.example", ASK),
    ("*.b.example", "evilb.example", ASK),
    ("c.*", "c.org", ALLOW),
    ("c.*", "c.evil.org", ASK),
    ("*", "any.example", ALLOW),
    ("a.example", "?", ASK),
]


@pytest.mark.parametrize(("pattern", "host", "wished"), HOSTS)
def test_a_fetch_needs_a_rule_for_its_host(pattern: str, host: str, wished: Level) -> None:
    act = a_tool("WebFetch", f"https://{host}/", kind=Kind.FETCH, does="fetches", hosts=(host,))
    assert level(a_list(allow=[f"WebFetch(domain:{pattern})"]), act) is wished
    assert level(a_list(deny=[f"WebFetch(domain:{pattern})"], allow=["WebFetch"]), act) is (
        DENY if wished is ALLOW else ASK if host == "?" else ALLOW
    )


def test_a_host_that_is_denied_is_denied_by_whatever_means() -> None:
    act = a_command("curl https://evil.example/", "fetches", hosts=("evil.example",))
    assert level(a_list(deny=["WebFetch(domain:evil.example)"], allow=["Bash(curl *)"]), act) is DENY


def test_tools_are_named_by_name_by_server_and_by_glob() -> None:
    def of(tool: str) -> LocalAct:
        return a_tool(tool, "", kind=Kind.OTHER, does="project")

    assert level(a_list(deny=["mcp__s"]), of("mcp__s__t")) is DENY
    assert level(a_list(deny=["mcp__s"]), of("mcp__st__t")) is ASK
    assert level(a_list(deny=["mcp__s__t"]), of("mcp__s__T")) is ASK
    assert level(a_list(deny=["mcp__s__e*"]), of("mcp__s__edit")) is DENY
    assert level(a_list(deny=["mcp__*"]), of("mcp__s__t")) is DENY
    assert level(a_list(deny=["*"]), of("Anything")) is DENY
    assert level(a_list(allow=["mcp__s__e*"]), of("mcp__s__edit")) is ALLOW
    assert level(a_list(allow=["TodoWrite"]), of("TodoWrite")) is ALLOW


def test_a_tool_that_nobody_has_described_is_answered_for_by_its_name() -> None:
    act = a_tool("Odd", "", kind=Kind.OTHER, does="unknown", doubts=(Doubt(Undecided.TOOL, "nobody knows it"),))
    assert level(a_list(), act) is ASK
    assert level(a_list(allow=["Odd"]), act) is ALLOW


def test_an_agent_or_an_argument_may_be_named() -> None:
    act = a_tool("Agent", "Explore", kind=Kind.AGENT, does="says")
    assert level(a_list(deny=["Agent(Explore)"]), act) is DENY
    assert level(a_list(deny=["Agent(Plan)"]), act) is ALLOW
    lists = a_list(deny=["Agent(model:opus*)"], ask=["Bash(run_in_background:true)"])
    assert weigh(lists, judged(act), {"model": "opus-4"}, "Agent").level is DENY
    assert weigh(lists, judged(act), {"model": "haiku"}, "Agent").level is ALLOW
    assert weigh(lists, judged(a_command("echo x")), {"run_in_background": True}, "Bash").level is ASK


def test_without_lists_only_doubts_count() -> None:
    assert level(None, a_command("git push", "sends")) is ALLOW
    assert level(None, a_tool("Write", "/etc/x", writes("/etc/x"))) is ALLOW


def test_a_rule_and_what_it_spoke_of_are_said() -> None:
    weighed = weigh(a_list(deny=["Read(~/.ssh/**)"]), judged(a_command("cat k", "reads", paths=(reads(f"{HOME}/.ssh/id"),))))
    assert weighed.acts[0].rule is not None
    assert weighed.acts[0].why == f"deny rule `Read(~/.ssh/**)`: it reads {HOME}/.ssh/id"


@pytest.mark.parametrize(
    ("text", "wanted"), [("eslint --fix infra", ASK), ("tsc --outDir infra", ASK), ("eslint infra", ALLOW)]
)
def test_an_edit_rule_is_held_against_what_tools_write(text: str, wanted: Level) -> None:
    lists = a_list(allow=["Bash(eslint *)", "Bash(tsc *)", "Edit(/**)"], ask=["Edit(/infra/**)"])
    assert level(lists, a_command(text, "project")) is wanted
