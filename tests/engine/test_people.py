"""Who somebody is here whom an issuer vouches for: what the rules say of the claims, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.model.operator import Role
from ringfence.core.model.people import PeopleRules, Person, RoleRule
from ringfence.engine.people.people import People
from ringfence.engine.runs.runs import NotDone
from ringfence.testing.scenario import shop_rules
from ringfence.testing.world import World

ISSUER = "https://login.example"
RULES = PeopleRules(
    issuer=ISSUER,
    client="gate",
    roles=(
        RoleRule(claim="groups", value="staff", role=Role.VIEWER, groups=("b", "a")),
        RoleRule(claim="groups", value="sre", role=Role.ADMIN, groups=("c",)),
    ),
)


async def people(rules: PeopleRules | None = RULES) -> People:
    return (await World.build(rules=replace(shop_rules(), people=rules))).people


def person(**claims: Any) -> Person:
    return Person(issuer=ISSUER, client="gate", claims=claims)


async def test_the_highest_role_counts_and_the_groups_of_all_rules_that_hold() -> None:
    known = (await people()).operator_of(person(sub="u1", groups=["staff", "x", "sre"]))
    assert known is not None
    assert (known.name, known.role, known.groups) == (f"{ISSUER}#u1", Role.ADMIN, ("a", "b", "c"))
    assert known.credential_hash == ""


@pytest.mark.requirement("I17")
@pytest.mark.parametrize(
    "changes",
    [{"issuer": "https://other.example"}, {"issuer": f"{ISSUER}/"}, {"client": "agents"}],
)
async def test_the_word_of_another_issuer_or_to_another_client_is_nobodys(changes: dict[str, str]) -> None:
    assert (await people()).operator_of(replace(person(sub="u1", groups=["sre"]), **changes)) is None


async def test_without_an_issuer_in_the_rules_nobody_is_anybody() -> None:
    assert (await people(None)).operator_of(person(sub="u1", groups=["sre"])) is None
    assert (await people(None)).login_s == 0


@pytest.mark.parametrize("sub", [None, 17, "", "a b", "a\n", "x" * 256, ["u1"], "\u00e4"])
async def test_a_subject_that_cannot_be_part_of_a_name_is_nobody(sub: Any) -> None:
    assert (await people()).operator_of(person(sub=sub, groups=["sre"])) is None


async def test_an_address_names_a_person_only_where_the_issuer_has_verified_it() -> None:
    known = await people(replace(RULES, person="email"))
    claims = {"sub": "u1", "groups": ["sre"], "email": "ada@example.org"}
    assert known.operator_of(person(**claims)) is None
    assert known.operator_of(person(**claims, email_verified="true")) is None
    named = known.operator_of(person(**claims, email_verified=True))
    assert named is not None
    assert named.name == f"{ISSUER}#ada@example.org"


@pytest.mark.parametrize(
    "email", ["a\u202eb@example.org", "Ada <ada@example.org>", "ada@example.org\nadmin", "x" * 300, 5, None]
)
async def test_an_address_that_could_mislead_a_reader_is_not_shown(email: Any) -> None:
    known = (await people()).operator_of(person(sub="u1", groups=["staff"], email=email, email_verified=True))
    assert known is not None
    assert (known.shown, known.label) == ("", f"{ISSUER}#u1")


@pytest.mark.requirement("I17")
async def test_nobody_without_a_role_is_recorded_as_logged_in() -> None:
    world = await World.build(rules=replace(shop_rules(), people=RULES))
    before = len(await world.entries())
    assert isinstance(await world.people.admit(person(sub="u1", groups=["x"]), way="browser"), NotDone)
    assert len(await world.entries()) == before


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.text(max_size=8), max_size=4), st.just("staff")
)


@pytest.mark.requirement("I17")
@given(claims=st.dictionaries(st.sampled_from(["groups", "role", "admin", "roles", "sub", "aud"]), VALUES))
async def test_no_claims_give_a_role_that_no_rule_names_for_them(claims: dict[str, Any]) -> None:
    known = (await people()).operator_of(person(**claims))
    groups = claims.get("groups")
    held = {groups} if isinstance(groups, str) else set(groups) if isinstance(groups, list) else set[str]()
    if known is not None:
        assert held & {"staff", "sre"}
        assert known.role is (Role.ADMIN if "sre" in held else Role.VIEWER)
