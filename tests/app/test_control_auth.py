"""Who is recognised on the control plane, and who never is."""

from __future__ import annotations

import logging

import pytest
from tests.app.control_kit import OWN_UID, Desk, add

from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.operator import Role
from ringfence.core.rules import AgentRule
from ringfence.errors import UnavailableError
from ringfence.testing.scenario import shop_rules
from ringfence.testing.world import World


async def test_nobody_is_refused_with_what_to_do() -> None:
    desk = await Desk.open()
    answer = await desk.api("GET", "/approvals", by=None)
    assert answer.status == 401
    assert answer.raw.headers["www-authenticate"] == "Bearer"
    assert answer.error["remedy"]


@pytest.mark.requirement("I17")
@pytest.mark.parametrize("path", ["/approvals", "/status", "/operators", "/audit"])
async def test_a_run_credential_is_never_accepted_and_is_worth_a_warning(path: str, caplog: pytest.LogCaptureFixture) -> None:
    desk = await Desk.open()
    opened = await desk.world.open_run()
    headers = {"authorization": f"Bearer {opened.credential}"}
    with caplog.at_level(logging.WARNING):
        answer = await desk.api("GET", path, by=None, headers=headers, peer_uid=OWN_UID)
    assert answer.status == 401
    assert "an agent is trying to act as a person" in caplog.text
    assert opened.credential not in caplog.text


async def test_a_removed_operators_credential_is_no_longer_accepted() -> None:
    desk = await Desk.open()
    assert (await desk.api("GET", "/whoami", by="bo")).json["name"] == "bo"
    assert (await desk.api("DELETE", "/operators/bo")).status == 200
    assert (await desk.api("GET", "/whoami", by="bo")).status == 401


# --- the unix socket ---------------------------------------------------------------------------------------------------


async def test_the_peers_user_says_who_is_asking() -> None:
    desk = await Desk.open()
    await add(desk.world, "uma", Role.APPROVER, uid=700)
    assert (await desk.api("GET", "/whoami", by=None, peer_uid=700)).json["name"] == "uma"
    assert (await desk.api("GET", "/whoami", by=None, peer_uid=701)).status == 401


async def test_where_several_operators_are_one_user_a_credential_says_which() -> None:
    desk = await Desk.open()
    for name in ("una", "uwe"):
        _, credential = await add(desk.world, name, Role.VIEWER, uid=700)
    refused = await desk.api("GET", "/whoami", by=None, peer_uid=700)
    assert refused.status == 401
    assert "una, uwe" in refused.error["message"]
    told = await desk.api("GET", "/whoami", by=None, headers={"authorization": f"Bearer {credential}"}, peer_uid=700)
    assert told.json["name"] == "uwe"


@pytest.mark.requirement("I17")
async def test_a_user_under_which_an_agent_runs_is_not_taken_for_the_operator_it_is_bound_to() -> None:
    rules = shop_rules(agents=(AgentRule(id=AgentId("shell"), purpose="has a shell", tools=(), uids=frozenset({700})),))
    desk = await Desk.open(await World.build(rules=rules))
    await add(desk.world, "uma", Role.ADMIN, uid=700)
    assert (await desk.api("GET", "/whoami", by=None, peer_uid=700)).status == 401
    assert (await desk.api("GET", "/whoami", by="ada", peer_uid=700)).json["name"] == "ada"


async def test_a_unix_peer_that_the_kernel_does_not_name_is_refused() -> None:
    desk = await Desk.open()
    await add(desk.world, "uma", Role.ADMIN, uid=0)
    assert (await desk.api("GET", "/whoami", by=None)).status == 401


# --- the first operator ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", [OWN_UID, 0])
async def test_the_gateways_own_user_and_root_may_add_the_first_admin(uid: int) -> None:
    desk = await Desk.open(people=False)
    answer = await desk.api("POST", "/operators", {"name": "ada", "role": "admin"}, by=None, peer_uid=uid)
    assert answer.status == 200
    assert answer.json["credential"].startswith("rfo_")
    assert answer.json["uid"] == uid
    assert (await desk.api("GET", "/whoami", by=None, peer_uid=uid)).json["name"] == "ada"


async def test_nobody_else_may_add_the_first_operator() -> None:
    desk = await Desk.open(people=False)
    body = {"name": "eve", "role": "admin"}
    assert (await desk.api("POST", "/operators", body, by=None, peer_uid=OWN_UID + 1)).status == 401
    assert (await desk.api("POST", "/operators", body, by=None)).status == 401
    assert await desk.world.operators.all() == ()


async def test_the_first_operator_has_to_be_an_admin() -> None:
    desk = await Desk.open(people=False)
    answer = await desk.api("POST", "/operators", {"name": "ada", "role": "viewer"}, by=None, peer_uid=OWN_UID)
    assert answer.status == 409
    assert "--role admin" in answer.error["remedy"]


async def test_before_the_first_operator_the_gateways_user_may_do_nothing_else() -> None:
    desk = await Desk.open(people=False)
    for method, path in (("GET", "/approvals"), ("POST", "/reload"), ("POST", "/kill"), ("GET", "/operators")):
        answer = await desk.api(method, path, by=None, peer_uid=OWN_UID)
        assert answer.status == 401
        assert "operator add" in answer.error["remedy"]


async def test_once_there_is_an_operator_the_gateways_user_is_nobody_special() -> None:
    desk = await Desk.open()
    body = {"name": "eve", "role": "admin"}
    assert (await desk.api("POST", "/operators", body, by=None, peer_uid=OWN_UID)).status == 401


# --- roles ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "least"),
    [
        ("POST", "/kill", {"scope": "everything"}, "bo"),
        ("POST", "/pause", {"scope": "everything"}, "bo"),
        ("POST", "/tools/orders.get/disable", {}, "bo"),
        ("POST", "/runs", {"agent": "support", "task": "x"}, "bo"),
        ("POST", "/operators", {"name": "new", "role": "viewer"}, "ada"),
        ("DELETE", "/operators/vi", None, "ada"),
        ("POST", "/reload", {}, "ada"),
        ("POST", "/agents/support/credential", {}, "ada"),
    ],
)
async def test_each_act_needs_its_role(method: str, path: str, body: object, least: str) -> None:
    desk = await Desk.open()
    below = {"ada": ("vi", "bo"), "bo": ("vi",)}[least]
    for name in below:
        before = await desk.world.log.head()
        answer = await desk.api(method, path, body, by=name)
        assert answer.status == 403, name
        assert await desk.world.log.head() == before
    assert (await desk.api(method, path, body, by=least)).status == 200


async def test_the_last_admin_stays() -> None:
    desk = await Desk.open()
    answer = await desk.api("DELETE", "/operators/ada")
    assert answer.status == 409
    assert "last admin" in answer.error["message"]


async def test_no_answer_shows_a_credentials_hash() -> None:
    desk = await Desk.open()
    for operator in await desk.world.operators.all():
        for path in ("/operators", "/whoami", "/audit", "/status"):
            assert operator.credential_hash not in (await desk.api("GET", path)).text


# --- logins over TCP -------------------------------------------------------------------------------------------------------


async def test_a_login_gives_a_cookie_that_scripts_and_other_sites_cannot_use() -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/login", {"operator": "ada", "credential": desk.credentials["ada"]}, by=None)
    assert answer.status == 200
    cookie = answer.raw.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age=43200" in cookie
    assert desk.credentials["ada"] not in cookie
    headers = {"cookie": cookie.partition(";")[0]}
    assert (await desk.api("GET", "/whoami", by=None, headers=headers)).json["name"] == "ada"


async def test_a_login_needs_the_name_and_the_credential_of_one_operator() -> None:
    desk = await Desk.open()
    opened = await desk.world.open_run()
    for name, credential in (
        ("bo", desk.credentials["ada"]),
        ("ada", "rfo_wrong"),
        ("ada", opened.credential),
        ("", desk.credentials["ada"]),
    ):
        answer = await desk.api("POST", "/login", {"operator": name, "credential": credential}, by=None)
        assert answer.status == 401
        assert answer.error["message"] == "operator or credential not accepted"
        assert "set-cookie" not in answer.raw.headers


async def test_a_login_ends_after_twelve_hours() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    desk.world.clock.advance(12 * 3600 * 1000 - 1)
    assert (await desk.api("GET", "/whoami", by=None, headers=headers)).status == 200
    desk.world.clock.advance(1)
    assert (await desk.api("GET", "/whoami", by=None, headers=headers)).status == 401


async def test_a_removed_operators_login_is_void_at_once() -> None:
    desk = await Desk.open()
    headers = await desk.login("bo")
    await desk.api("DELETE", "/operators/bo")
    assert (await desk.api("GET", "/whoami", by=None, headers=headers)).status == 401


async def test_a_name_given_to_somebody_else_does_not_inherit_a_login() -> None:
    desk = await Desk.open()
    headers = await desk.login("bo")
    await desk.api("DELETE", "/operators/bo")
    await add(desk.world, "bo", Role.ADMIN)
    assert (await desk.api("GET", "/whoami", by=None, headers=headers)).status == 401


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost"},
    ],
)
async def test_another_sites_request_with_the_cookie_changes_nothing(said: dict[str, str]) -> None:
    desk = await Desk.open()
    cookie = {"cookie": (await desk.login())["cookie"]}
    before = await desk.world.log.head()
    answer = await desk.api("POST", "/kill", {"scope": "everything"}, by=None, headers={**cookie, **said})
    assert answer.status == 403
    assert answer.error["code"] == "origin"
    assert await desk.world.log.head() == before


async def test_our_own_page_may_post_with_the_cookie() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    assert (await desk.api("POST", "/kill", {"scope": "everything"}, by=None, headers=headers)).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "", "192.168.1.5:7411"])
@pytest.mark.attack("A11")
async def test_a_host_that_is_not_ours_is_not_served_over_tcp(host: str) -> None:
    desk = await Desk.open()
    answer = await desk.api("GET", "/approvals", headers={"host": host})
    assert answer.status == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7411", "[::1]:7411", "gate.example:8443"])
async def test_loopback_and_the_public_address_are_served(host: str) -> None:
    desk = await Desk.open(public_url="https://gate.example:8443")
    assert (await desk.api("GET", "/approvals", headers={"host": host})).status == 200


async def test_the_cookie_is_marked_secure_behind_the_public_https_address() -> None:
    desk = await Desk.open(public_url="https://gate.example")
    body = {"operator": "ada", "credential": desk.credentials["ada"]}
    public = await desk.api("POST", "/login", body, by=None, headers={"host": "gate.example"})
    local = await desk.api("POST", "/login", body, by=None)
    assert "Secure" in public.raw.headers["set-cookie"]
    assert "Secure" not in local.raw.headers["set-cookie"]


async def test_every_answer_carries_the_protective_headers() -> None:
    desk = await Desk.open()
    for path in ("/api/v1/approvals", "/login", "/nothing", "/healthz", "/static/ringfence.css"):
        headers = (await desk.page("GET", path)).raw.headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; form-action 'self'")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


async def test_health_and_readiness_need_nobody_and_tell_little() -> None:
    desk = await Desk.open()
    assert (await desk.page("GET", "/healthz")).json == {"status": "ok"}
    assert (await desk.page("GET", "/readyz")).json == {"status": "ready"}


async def test_a_failed_reload_says_that_the_last_good_configuration_stays() -> None:
    async def reload() -> str | None:
        return "ringfence.yaml:3:1: unknown key `agnets`"

    desk = await Desk.open(reload=reload)
    answer = await desk.api("POST", "/reload", {})
    assert answer.status == 409
    assert "agnets" in answer.error["message"]
    assert "last good" in answer.error["remedy"]


async def test_what_cannot_be_read_at_the_moment_is_unavailable() -> None:
    async def reload() -> str | None:
        raise UnavailableError("the disk is gone")

    desk = await Desk.open(reload=reload)
    answer = await desk.api("POST", "/reload", {})
    assert answer.status == 503
