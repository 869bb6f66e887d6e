"""What a policy file may say, and how it is refused."""

from __future__ import annotations

import pytest
from cedarpy import PolicySet
from hypothesis import given
from hypothesis import strategies as st
from tests.core.policy_kit import good, read

from ringfence.core.model.verdict import Gate, ReasonCode
from ringfence.core.policy.reading import statements

GOOD = 'forbid (principal, action == Action::"payments.refund", resource)'


def messages(text: str) -> str:
    policies, faults = read(text)
    assert not policies or faults
    return "; ".join(f"{fault.line}:{fault.column}: {fault.message}" for fault in faults)


def test_a_policy_is_read_with_its_id_place_gate_and_words() -> None:
    (policy,) = good(f'// why\n\n  @id("big")\n@approve("finance, 2")\n@reason("over 50")\n{GOOD}\nwhen {{ true }};\n')
    assert policy.id == "big"
    assert policy.place == "test.cedar:3"
    assert policy.gate == Gate(ReasonCode.POLICY, 2, "finance")
    assert policy.named == "big (test.cedar:3): over 50"


@pytest.mark.parametrize(
    ("annotation", "gate"),
    [
        ('@approve("finance")', Gate(ReasonCode.POLICY, 1, "finance")),
        ('@approve("finance, 2")', Gate(ReasonCode.POLICY, 2, "finance")),
        ('@approve("3")', Gate(ReasonCode.POLICY, 3)),
        ('@approve("")', Gate(ReasonCode.POLICY, 1)),
        ("@approve", Gate(ReasonCode.POLICY, 1)),
    ],
)
def test_approve_names_a_group_and_how_many(annotation: str, gate: Gate) -> None:
    assert good(f'@id("a") {annotation} {GOOD};')[0].gate == gate


def test_semicolons_and_slashes_in_text_and_comments_end_nothing() -> None:
    first = f'@id("a") {GOOD} when {{ context.arguments.order == "a;b//c\\"; forbid" }};'
    text = f'// first; "not text\n{first} // ;\n@id("b") {GOOD};'
    assert [policy.id for policy in good(text)] == ["a", "b"]
    assert [(one.line, one.column) for one in statements(text)] == [(2, 1), (3, 1)]


@pytest.mark.requirement("I16")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'\n@id("a") {GOOD.replace("forbid", "permit")};', "2:1: `permit` has no place here"),
        (f"{GOOD};", "every policy needs an `@id"),
        (f'@id("a b") {GOOD};', "cannot be an @id"),
        (f'@id("a") @aprove("finance") {GOOD};', "unknown annotation `@aprove`"),
        (f'@id("a") @approve("nobody") {GOOD};', "unknown group `nobody`; groups: `finance`, `ops`"),
        (f'@id("a") @approve("finance, 3") {GOOD};', "needs 3 of `finance`, which has 2"),
        (f'@id("a") @approve("finance, 0") {GOOD};', "`@approve` takes a group"),
        (f'@id("a") @approve("finance two") {GOOD};', "`@approve` takes a group"),
        (f'@id("a") @approve("finance", 2) {GOOD};', "cannot be read: unexpected token `,`"),
        (f'@id("a") @reason("{"x" * 201}") {GOOD};', "at most 200 characters"),
        ('@id("a") forbid (principal, action == Action::"payments.refnd", resource);', "unknown Action `payments.refnd`"),
        ('@id("a") forbid (principal == Agent::"suport", action, resource);', "unknown Agent `suport`"),
        ('@id("a") forbid (principal, action, resource in Server::"paymnts");', "unknown Server `paymnts`"),
        ('@id("a") forbid (principal == User::"ada", action, resource);', "unknown entity type `User`"),
        ('@id("a") forbid (principal, action == Action::"payments", resource);', "it can never match"),
        (
            '@id("a") forbid (principal, action == Action::"orders.note", resource in Server::"payments");',
            "it can never match",
        ),
        (f'@id("a") {GOOD} when {{ context has tiem }};', "`has context.tiem`"),
        (f'@id("a") {GOOD} when {{ resource has writes }};', "`has resource.writes`"),
        (f'@id("a") {GOOD.replace("principal,", "principal == ?principal,")};', "templates"),
        (f'@id("a") {GOOD} when {{ 1', "1:1: cannot be read"),
        (f'@id("a") {GOOD}', "cannot be read"),
        (
            '@id("a") forbid (principal, action, resource) when { resource.sensitivity == Sensitivity::"secret" };',
            "Sensitivity",
        ),
        ("x;", "cannot be read"),
    ],
)
def test_what_is_not_a_usable_forbid_is_refused_with_its_line(text: str, said: str) -> None:
    assert said in messages(text)


def test_every_fault_of_a_file_is_reported_at_once() -> None:
    said = messages(f'{GOOD};\n@id("b") permit (principal, action, resource);\n@id("c") nonsense;')
    assert said.count(": ") >= 3
    assert {line.partition(":")[0] for line in said.split("; ") if line[0].isdigit()} == {"1", "2", "3"}


pieces = st.lists(
    st.sampled_from(
        [
            '// a comment; "open\n',
            "\n",
            '@id("{n}") forbid (principal, action == Action::"payments.refund", resource);',
            '@id("{n}")@reason("a; // b \\" c")forbid(principal,action,resource)when{{context.arguments.order==";//"}};',
            '@id("{n}") // inside; the policy\n forbid (principal, action, resource) unless {{ false }} ;',
        ]
    ),
    max_size=8,
)


@pytest.mark.requirement("I16")
@given(pieces)
def test_no_policy_is_lost_between_two_readings(drawn: list[str]) -> None:
    text = "".join(piece.format(n=f"p{place}") if "forbid" in piece else piece for place, piece in enumerate(drawn))
    wanted = [f"p{place}" for place, piece in enumerate(drawn) if "forbid" in piece]
    assert [policy.id for policy in good(text)] == wanted
    assert len(list(PolicySet.from_str(text).to_pst().static_policies)) == len(wanted)
