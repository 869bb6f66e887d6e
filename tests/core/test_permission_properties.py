"""What holds of permission lists whatever they say: more rules that forbid never allow more, and order means nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.model.local import Doubt, Judgement, LocalAct, PathUse, Undecided, Use
from ringfence.core.model.permissions import Listed, PermissionLists, PermissionRule
from ringfence.core.model.verdict import Level
from ringfence.core.permissions.weighing import weigh
from ringfence.testing.acts import PROJECT, a_command, a_rule, judged

RULES = (
    "Bash", "Bash(rm *)", "Bash(git *)", "Bash(git push *)", "Bash(git push --force*)", "Bash(make:*)", "Bash(* --force)",
    "Bash(cat .env)",
    "Bash(*DROP TABLE*)", "Bash(a && b)", "Read", "Read(.env)", "Read(./secrets/**)", "Read(//etc/**)", "Read(~/.ssh/**)",
    "Edit", "Edit(/**)",
    "Edit(src/**)", "Edit(*.md)", "WebFetch(domain:a.example)", "mcp__s__t", "Agent(Explore)",
)  # fmt: skip
KINDS = ("says", "reads", "writes", "deletes", "project", "machine", "sends", "fetches", "unknown", "reads secrets")
COMMANDS = (
    "rm -rf x",
    "git push origin",
    "git push --force",
    "make all",
    "cat .env",
    "unlink f",
    "mv a b",
    "psql -c x",
    "tool --force",
    "env",
)
PATHS = (".env", "src/a.py", "src", "secrets/k", "README.md", "/etc/passwd", "/home/dev/.ssh/id", ".", "sub/.env", "s*", "/**")

rules = st.sampled_from(RULES)
uses = st.builds(
    lambda use, path, is_folder, below: PathUse(
        use=use,
        path=path if path.startswith("/") else f"{PROJECT}/{path}".removesuffix("/."),
        real="" if "*" in path else (path if path.startswith("/") else f"{PROJECT}/{path}".removesuffix("/.")),
        is_there="*" not in path,
        is_folder=is_folder or below,
        below=below,
        is_pattern="*" in path,
    ),
    st.sampled_from(list(Use)), st.sampled_from(PATHS), st.booleans(), st.booleans(),
)  # fmt: skip
acts = st.builds(
    lambda command, kind, paths, is_doubted, hosts: a_command(
        command, kind, paths=tuple(paths), hosts=tuple(hosts), doubts=(Doubt(Undecided.CODE, "code"),) if is_doubted else ()
    ),
    st.sampled_from(COMMANDS), st.sampled_from(KINDS), st.lists(uses, max_size=3), st.booleans(),
    st.lists(st.sampled_from(("a.example", "?")), max_size=1),
)  # fmt: skip
judgements = st.lists(acts, min_size=1, max_size=3).map(lambda some: judged(*some, text="a && b"))


def _lists(deny: list[str], ask: list[str], allow: list[str]) -> PermissionLists:
    def of(texts: list[str], listed: Listed) -> tuple[PermissionRule, ...]:
        return tuple(a_rule(text, listed) for text in texts)

    return PermissionLists(deny=of(deny, Listed.DENY), ask=of(ask, Listed.ASK), allow=of(allow, Listed.ALLOW))


some = st.lists(rules, max_size=5)
lists = st.builds(_lists, some, some, some)


@given(lists, judgements, rules, st.sampled_from([Listed.DENY, Listed.ASK]))
def test_a_rule_more_that_forbids_or_asks_never_allows_more(
    given_: PermissionLists, judgement: Judgement, text: str, listed: Listed
) -> None:
    rule = a_rule(text, listed)
    more = replace(given_, deny=(*given_.deny, rule)) if listed is Listed.DENY else replace(given_, ask=(*given_.ask, rule))
    assert weigh(more, judgement).level >= weigh(given_, judgement).level


@given(lists, judgements, rules)
def test_an_allow_rule_more_never_forbids_more(given_: PermissionLists, judgement: Judgement, text: str) -> None:
    more = replace(given_, allow=(*given_.allow, a_rule(text, Listed.ALLOW)))
    assert weigh(more, judgement).level <= weigh(given_, judgement).level


@given(lists, judgements)
def test_the_order_of_rules_means_nothing(given_: PermissionLists, judgement: Judgement) -> None:
    shuffled = replace(
        given_,
        deny=tuple(reversed(given_.deny)),
        ask=tuple(reversed(given_.ask)),
        allow=tuple(sorted(given_.allow, key=lambda rule: rule.text)),
    )
    assert weigh(shuffled, judgement) == weigh(given_, judgement)


@given(lists, judgements, acts)
def test_an_act_more_never_allows_more(given_: PermissionLists, judgement: Judgement, act: LocalAct) -> None:
    more = replace(judgement, acts=(*judgement.acts, act))
    assert weigh(given_, more).level >= weigh(given_, judgement).level


@given(lists, judgements)
def test_a_call_is_allowed_only_if_each_of_its_acts_is(given_: PermissionLists, judgement: Judgement) -> None:
    if weigh(given_, judgement).level is Level.ALLOW:
        assert all(weigh(given_, replace(judgement, acts=(act,))).level is Level.ALLOW for act in judgement.acts)


@given(lists, acts, st.sampled_from(list(Use)), st.sampled_from(["src/a.py", "secrets/k", "README.md", "sub/deep/x"]))
def test_a_wider_path_is_never_allowed_where_a_narrower_one_is_not(
    given_: PermissionLists, act: LocalAct, use: Use, path: str
) -> None:
    """Of what is read a folder's guarded files are named beside it by who looks; here nobody has looked."""
    narrow = PathUse(use=use, path=f"{PROJECT}/{path}", is_there=True)
    above = PathUse(use=use, path=PROJECT, is_there=True, is_folder=True, below=True)
    anything = PathUse(use=use, path="/**", is_pattern=True)
    one = weigh(given_, judged(replace(act, paths=(narrow,)))).level
    if weigh(given_, judged(replace(act, paths=(anything,)))).level is Level.ALLOW:
        assert one is Level.ALLOW
    if weigh(given_, judged(replace(act, paths=(above,)))).level is Level.ALLOW:
        assert one is Level.ALLOW


@given(lists, judgements)
def test_a_doubt_is_allowed_only_by_the_text_itself(given_: PermissionLists, judgement: Judgement) -> None:
    doubted = replace(judgement, doubts=(Doubt(Undecided.PARSE, "no shell"),))
    if all(rule.pattern != "a && b" for rule in given_.allow):
        assert weigh(given_, doubted).level >= Level.ASK
