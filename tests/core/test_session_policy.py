"""Session policies: an argument narrows exactly what the template says, and never means more than itself."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.model.assumed_role import Allowed, AssumedRole, PolicyArgument
from ringfence.core.narrowing.session_policy import POLICY_MOST, VALUE_MOST, PolicyFault, session_policy, template_faults

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::<bucket>/<prefix>*"}
TEMPLATE = {"Version": "2012-10-17", "Statement": [READ]}
ARN = "arn:aws:iam::123456789012:role/reader"


def role(
    template: Any = TEMPLATE, arguments: tuple[str, ...] = ("bucket", "prefix"), **allowed: tuple[Allowed, ...]
) -> AssumedRole:
    return AssumedRole(
        arn=ARN,
        policy=json.dumps(template),
        arguments=tuple(PolicyArgument(name=name, pointer=f"/{name}", allowed=allowed.get(name, ())) for name in arguments),
    )


def resource(policy: str | PolicyFault) -> str:
    assert isinstance(policy, str), policy
    found: str = json.loads(policy)["Statement"][0]["Resource"]
    return found


def why(policy: str | PolicyFault) -> str:
    assert isinstance(policy, PolicyFault)
    return policy.why


def test_arguments_take_the_places_of_their_names_and_nothing_else_changes() -> None:
    policy = session_policy(role(), {"bucket": "reports", "prefix": "may", "other": "<bucket>"})
    assert resource(policy) == "arn:aws:s3:::reports/may*"
    assert json.loads(str(policy))["Statement"][0]["Action"] == "s3:GetObject"


@pytest.mark.requirement("I8")
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("*", "holds `*`"),
        ("a?c", "holds `?`"),
        ("${aws:username}", "does not allow variables"),
        ("$", "does not allow variables"),
        ("a/b", "does not allow slashes"),
        ("a:b", "does not allow colons"),
        ("", "text that is not empty"),
        (None, "text that is not empty"),
        (True, "text that is not empty"),
        (["a"], "text that is not empty"),
        ({"a": 1}, "text that is not empty"),
        (1.5, "text that is not empty"),
        ("a\nb", "not printed"),
        ("a\u202eb", "not printed"),
        ("a" * (VALUE_MOST + 1), "longer than"),
    ],
)
def test_a_value_that_would_mean_more_than_itself_is_refused(value: Any, words: str) -> None:
    said = why(session_policy(role(), {"bucket": value, "prefix": "may"}))
    assert words in said
    assert said.startswith("/bucket (`<bucket>` of the session policy)")


def test_a_missing_argument_is_refused() -> None:
    assert "/prefix" in why(session_policy(role(), {"bucket": "reports"}))


def test_what_the_template_allows_in_an_argument_is_let_through_there_only() -> None:
    allowing = role(prefix=(Allowed.SLASHES, Allowed.WILDCARDS))
    assert resource(session_policy(allowing, {"bucket": "b", "prefix": "2026/*"})) == "arn:aws:s3:::b/2026/**"
    assert isinstance(session_policy(allowing, {"bucket": "b/c", "prefix": "x"}), PolicyFault)
    assert isinstance(session_policy(allowing, {"bucket": "b", "prefix": "$x"}), PolicyFault)


def test_a_value_is_never_read_as_another_hole() -> None:
    assert resource(session_policy(role(), {"bucket": "<prefix>", "prefix": "x"})) == "arn:aws:s3:::<prefix>/x*"


def test_whole_numbers_are_written_as_digits() -> None:
    assert resource(session_policy(role(), {"bucket": 7, "prefix": "x"})) == "arn:aws:s3:::7/x*"


def test_a_pointer_leads_into_an_argument() -> None:
    deep = AssumedRole(
        arn=ARN,
        policy=json.dumps({**TEMPLATE, "Statement": [{**READ, "Resource": "<b>"}]}),
        arguments=(PolicyArgument(name="b", pointer="/where/the~1bucket"),),
    )
    assert resource(session_policy(deep, {"where": {"the/bucket": "x"}})) == "x"
    assert isinstance(session_policy(deep, {"where": ["x"]}), PolicyFault)


def test_a_policy_that_is_too_long_is_refused_and_not_cut() -> None:
    many = role({**TEMPLATE, "Statement": [READ] * 8})
    values = {"bucket": "b" * 200, "prefix": "p"}
    assert f"STS takes {POLICY_MOST}" in why(session_policy(many, values))


@given(st.dictionaries(st.sampled_from(["bucket", "prefix"]), st.text(max_size=40) | st.integers() | st.none()))
def test_whatever_the_arguments_hold_the_policy_has_the_same_shape_and_is_ascii(arguments: Mapping[str, Any]) -> None:
    policy = session_policy(role(), arguments)
    if isinstance(policy, str):
        assert policy.isascii()
        parsed = json.loads(policy)
        held = parsed["Statement"][0].pop("Resource")
        assert parsed == {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]}
        assert held == f"arn:aws:s3:::{arguments['bucket']}/{arguments['prefix']}*"
        assert held.count("*") == 1
        assert held.count("/") == 1
        assert not {"$", "?"} & set(held)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"Version": "2012-10-17"}, "has a `Statement`"),
        ({**TEMPLATE, "Statement": []}, "has a `Statement`"),
        ({**TEMPLATE, "Version": "2008-10-17"}, 'has `Version: "2012-10-17"`'),
        ({**TEMPLATE, "Statement": {**READ, "Action": "s3:<bucket>"}}, "`<bucket>` stands outside of `Resource`"),
        ({**TEMPLATE, "Statement": {**READ, "Condition": {"<bucket>": {}}}}, "`<bucket>` stands outside of `Resource`"),
        ({**TEMPLATE, "Statement": {**READ, "Resource": "<bucket><prefix><more>"}}, "`<more>` is not among the `arguments`"),
        ({**TEMPLATE, "Statement": {**READ, "Resource": "<bucket>"}}, "`prefix` does not stand in the policy"),
        ({**TEMPLATE, "Statement": {**READ, "Effect": "Deny"}}, "would widen what is left"),
        ({**TEMPLATE, "Statement": [READ] * 40}, "at most 2048 characters"),
        ({**TEMPLATE, "Statement": {"Effect": "Allow", "NotResource": "<bucket><prefix>"}}, "stands outside of `Resource`"),
    ],
)
def test_a_template_that_cannot_be_used_is_said_so_before_any_call(template: Any, words: str) -> None:
    assert any(words in fault for fault in template_faults(role(template)))


def test_a_good_template_has_no_fault() -> None:
    assert list(template_faults(role())) == []
    condition = {"StringLike": {"s3:prefix": ["<prefix>/x"]}}
    assert list(template_faults(role({**TEMPLATE, "Statement": {**READ, "Condition": condition}}))) == []


def test_the_fingerprint_changes_with_the_template_and_with_what_is_allowed() -> None:
    assert role().fingerprint == role().fingerprint
    assert (
        len({role().fingerprint, role(prefix=(Allowed.SLASHES,)).fingerprint, role({**TEMPLATE, "Id": "x"}).fingerprint}) == 3
    )
