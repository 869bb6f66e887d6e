"""People who log in at an OpenID provider: a real provider, a real control plane, and a browser with cookies."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from tests.app.control_kit import PAGE, Desk
from tests.servers.browser import Browser, Page
from tests.servers.oidc_provider import CLIENT, SECRET, Provider, provider

from ringfence.adapters.identity.people import OidcPeople, PeopleOptions
from ringfence.app.control.flows import COOKIE as FLOW_COOKIE
from ringfence.app.control.flows import LIFE_S as FLOW_S
from ringfence.app.control.server import ControlServer, listen_tcp
from ringfence.app.control.sessions import COOKIE
from ringfence.core.model.operator import Role
from ringfence.core.model.people import PeopleRules, RoleRule
from ringfence.ports.secrets import Secret
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.keys import SigningKey
from ringfence.testing.scenario import shop_rules
from ringfence.testing.world import World

ROLES = (
    RoleRule(claim="groups", value="staff", role=Role.APPROVER, groups=("finance",)),
    RoleRule(claim="sub", value="u-1", role=Role.ADMIN),
    RoleRule(claim="email", value="vi@example.org", role=Role.VIEWER),
)


@dataclass
class Scene:
    """Everybody who takes part."""

    clock: FakeClock
    idp: Provider
    world: World
    desk: Desk
    issuer: OidcPeople
    url: str
    browser: Browser
    other: Browser

    async def begin(self, onward: str = "/approvals") -> Page:
        """From the login page by its button to the provider, and back as far as the callback's address, which is not opened."""
        login = await self.browser.go(f"{self.url}/login?next={onward}")
        found = re.search(r'class="button" href="([^"]+)"', login.text)
        assert found is not None, login.text
        started = await self.browser.go(found[1].replace("&amp;", "&"), login.url)
        assert started.status == 303, started.text
        return await self.browser.go(started.location, started.url)

    async def log_in(self, onward: str = "/approvals") -> Page:
        """As `begin`, and the callback with it."""
        sent_back = await self.begin(onward)
        return await self.browser.go(sent_back.location, sent_back.url)

    async def is_in(self, browser: Browser | None = None) -> bool:
        page = await (browser or self.browser).go(f"{self.url}/approvals")
        assert page.status in (200, 303), page.text
        return page.status == 200

    async def logins(self) -> list[dict[str, Any]]:
        """What the log says of logins."""
        return [entry for entry in await self.world.entries() if entry["decision"] == "login"]

    def believe(self, **changes: Any) -> None:
        """Another configuration from now on."""
        rules = self.world.catalogue.rules
        assert rules.people is not None
        fresh = replace(rules, people=replace(rules.people, **changes))
        self.world.catalogue.replace(fresh, self.world.upstreams)


@asynccontextmanager
async def scene(secret: str | None = SECRET) -> AsyncGenerator[Scene]:
    clock = FakeClock()
    async with (
        provider(lambda: clock.now() // 1000) as idp,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as one,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as two,
    ):
        idp.secret = secret

        async def look_up() -> Secret:
            return Secret(secret or "")

        listening = listen_tcp("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        options = PeopleOptions(
            issuer=idp.url,
            client=CLIENT,
            secret=look_up if secret is not None else None,
            scopes=("openid", "email"),
            redirect_uri=f"{url}/login/oidc/callback",
            label="Example & Sons",
        )
        issuer = OidcPeople(options, clock)
        people = PeopleRules(issuer=idp.url, client=CLIENT, roles=ROLES, login_s=3600)
        world = await World.build(rules=replace(shop_rules(), people=people, groups={"finance": frozenset()}), clock=clock)
        desk = await Desk.open(world, people_issuer=issuer, public_url=url)
        server = ControlServer(desk.app, listening)
        await server.start()
        try:
            yield Scene(clock, idp, world, desk, issuer, url, Browser(one), Browser(two))
        finally:
            assert idp.stop is not None
            await asyncio.gather(server.stop(), idp.stop(), one.close(), two.close())
            await issuer.close()


# --- in, to work, and out ----------------------------------------------------------------------------------------------


async def test_a_person_logs_in_decides_and_logs_out_and_the_log_names_them_by_issuer_and_subject() -> None:
    async with scene() as at:
        at.idp.person |= {"email": "carol@example.org", "email_verified": True}
        name = f"{at.idp.url}#u-17"
        ticket = await at.world.ask(await at.world.open_run())
        back = await at.log_in(f"/approvals/{ticket.id}")
        assert back.status == 200
        assert f'content="0;url=/approvals/{ticket.id}"' in back.text
        assert set(at.browser.cookies) == {(at.url, COOKIE)}
        assert next(line for line in back.set_cookies if line.startswith(COOKIE)).endswith("SameSite=strict")
        page = await at.browser.go(f"{at.url}/approvals/{ticket.id}", back.url)
        assert "carol@example.org · log out" in page.text
        form = {"digest": ticket.card_digest, "decision": "approve", "reason": "hers"}
        decided = await at.browser.go(f"{at.url}/approvals/{ticket.id}/decision", page.url, form)
        assert decided.status == 303, decided.text
        voted = await at.world.store.ticket(ticket.id)
        assert voted is not None
        (vote,) = voted.votes
        assert (vote.operator, vote.shown, vote.groups) == (name, "carol@example.org", ("finance",))
        assert "carol@example.org" in (await at.browser.go(f"{at.url}/approvals/{ticket.id}", page.url)).text
        (entered,) = await at.logins()
        assert entered["by"] == f"operator:{name}"
        assert entered["body"]["issuer"] == at.idp.url
        assert (entered["body"]["subject"], entered["body"]["shown"]) == ("u-17", "carol@example.org")
        assert (entered["body"]["role"], entered["body"]["groups"]) == ("approver", ["finance"])
        approval = next(entry for entry in await at.world.entries() if entry["decision"] == "approved")
        assert (approval["by"], approval["body"]["shown"]) == (f"operator:{name}", "carol@example.org")
        stolen = dict(at.browser.cookies)
        assert (await at.browser.go(f"{at.url}/logout", page.url, {})).status == 303
        assert at.browser.cookies == {}
        at.other.cookies = stolen
        assert not await at.is_in(at.other)


async def test_a_public_client_shows_no_secret_and_still_proves_that_it_asked() -> None:
    async with scene(secret=None) as at:
        assert (await at.log_in()).status == 200
        ((_, form),) = at.idp.asked
        assert "client_secret" not in form
        assert len(form["code_verifier"]) >= 43


async def test_a_provider_that_reads_no_header_gets_the_secret_in_the_form() -> None:
    async with scene() as at:
        at.idp.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        assert (await at.log_in()).status == 200
        assert at.idp.asked[0][1]["client_secret"] == SECRET


async def test_a_key_that_the_provider_rotates_in_is_found_and_one_that_it_took_out_no_longer_counts() -> None:
    async with scene() as at:
        await at.log_in()
        old, at.idp.key = at.idp.key, SigningKey("ec", "two")
        at.idp.published = [at.idp.key]
        at.clock.advance(61_000)
        assert (await at.log_in()).status == 200
        at.idp.key = old
        at.clock.advance(61_000)
        assert (await at.log_in()).status == 401


async def test_a_login_lasts_as_long_as_is_configured_and_no_longer() -> None:
    async with scene() as at:
        back = await at.log_in()
        assert any("Max-Age=3600" in line for line in back.set_cookies)
        at.clock.advance(3600 * 1000 - 1)
        assert await at.is_in()
        at.clock.advance(1)
        assert not await at.is_in()


async def test_a_mapping_that_changes_changes_the_login_that_is_open() -> None:
    async with scene() as at:
        await at.log_in()
        whoami = f"{at.url}/api/v1/whoami"
        assert json.loads((await at.browser.go(whoami)).text)["role"] == "approver"
        at.believe(roles=(replace(ROLES[0], role=Role.VIEWER), ROLES[1]))
        assert json.loads((await at.browser.go(whoami)).text)["role"] == "viewer"
        at.believe(roles=(ROLES[1],))
        assert not await at.is_in()
        at.believe(roles=ROLES)
        assert await at.is_in()
        at.believe(client="another")
        assert not await at.is_in()


@pytest.mark.requirement("I3")
async def test_while_the_provider_is_away_nobody_logs_in_and_who_is_in_stays_in() -> None:
    async with scene() as at:
        await at.log_in()
        at.clock.advance(2 * 1000)
        sent_back = await at.begin()
        at.idp.broken = True
        late = await at.browser.go(sent_back.location, sent_back.url)
        assert late.status == 503
        assert "cannot be asked now" in late.text
        assert await at.is_in()
    async with scene() as at:
        at.idp.broken = True
        refused = await at.browser.go(f"{at.url}/login/oidc")
        assert refused.status == 503
        assert "cannot be asked now" in refused.text
        assert not refused.set_cookies
        at.idp.broken = False
        at.clock.advance(2 * 1000)
        assert (await at.log_in()).status == 200


async def test_an_admin_by_subject_has_the_highest_of_several_roles_and_the_groups_of_all() -> None:
    async with scene() as at:
        at.idp.person = {"sub": "u-1", "groups": ["others", "staff"]}
        await at.log_in()
        (entry,) = await at.logins()
        assert (entry["body"]["role"], entry["body"]["groups"]) == ("admin", ["finance"])


async def test_who_logged_in_outside_approves_for_an_agent_only_where_it_names_a_group_of_theirs() -> None:
    for approvers, status in ((frozenset({"ada"}), 409), (frozenset({"ada", "group:finance"}), 303)):
        async with scene() as at:
            rules = at.world.catalogue.rules
            agents = {name: replace(rule, approvers=approvers) for name, rule in rules.agents.items()}
            at.world.catalogue.replace(replace(rules, agents=agents), at.world.upstreams)
            ticket = await at.world.ask(await at.world.open_run())
            await at.log_in()
            form = {"digest": ticket.card_digest, "decision": "approve"}
            page = f"{at.url}/approvals/{ticket.id}"
            assert (await at.browser.go(f"{page}/decision", page, form)).status == status


# --- whatever is wrong, nobody is in ------------------------------------------------------------------------------------

Lie = Callable[[Provider], None]
_PART = base64.urlsafe_b64encode


def said(**changes: Any) -> Lie:
    """Claims that are different, or with None are not there."""

    def tell(idp: Provider) -> None:
        idp.claims = lambda claims: {name: value for name, value in {**claims, **changes}.items() if value is not None}

    return tell


def aged(seconds: int) -> Lie:
    def tell(idp: Provider) -> None:
        idp.claims = lambda claims: {**claims, "iat": claims["iat"] + seconds, "exp": claims["exp"] + seconds}

    return tell


def signed(sign: Callable[[SigningKey, dict[str, Any]], str]) -> Lie:
    def tell(idp: Provider) -> None:
        idp.sign = sign

    return tell


def by_hand(header: dict[str, Any], claims: dict[str, Any], mac: Callable[[bytes], bytes]) -> str:
    head, body = (_PART(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    return b".".join((head, body, _PART(mac(head + b"." + body)).rstrip(b"="))).decode()


def with_the_public_key(key: SigningKey, claims: dict[str, Any]) -> str:
    """What a checker takes that believes the header: HMAC, with what everybody knows as the secret."""
    pem = key.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return by_hand({"alg": "HS256", "kid": key.kid}, claims, lambda part: hmac.digest(pem, part, hashlib.sha256))


def documented(**changes: Any) -> Lie:
    return lambda idp: idp.document.update(changes)


FOREIGN = SigningKey("rsa", "one")
TOKENS: dict[str, tuple[Lie, str]] = {
    "another nonce": (said(nonce="another"), "nonce"),
    "no nonce": (said(nonce=None), "nonce"),
    "another audience": (said(aud="agents"), "another audience"),
    "a second audience": (said(aud=[CLIENT, "agents"]), "another audience"),
    "no audience": (said(aud=None), "another audience"),
    "another authorised party": (said(azp="agents"), "another client"),
    "another issuer": (said(iss="https://evil.example"), "another issuer"),
    "no issuer": (said(iss=None), "another issuer"),
    "expired": (said(exp=1), "expired"),
    "no expiry": (said(exp=None), "no moment"),
    "made long ago": (aged(-700), "expired"),
    "issued long ago": (said(iat=1), "not made just now"),
    "issued ahead": (aged(120), "not made just now"),
    "no subject": (said(sub=None), "no usable subject"),
    "a subject that is no text": (said(sub=17), "no usable subject"),
    "an access token": (signed(lambda key, claims: key.sign(claims, {"kid": key.kid, "typ": "at+jwt"})), "type"),
    "no signature": (signed(lambda key, claims: by_hand({"alg": "none", "kid": key.kid}, claims, lambda _: b"")), "none"),
    "hmac with the public key": (signed(with_the_public_key), "HS256"),
    "another key": (signed(lambda _, claims: FOREIGN.sign(claims, {"kid": "one"})), "signature"),
    "an unknown key": (signed(lambda _, claims: FOREIGN.sign(claims, {"kid": "nine"})), "no such key"),
    "an algorithm not announced": (documented(id_token_signing_alg_values_supported=["ES256"]), "does not sign with"),
    "no token": (lambda idp: setattr(idp, "sign", lambda _key, _claims: None), "none in the issuer's answer"),
    "a token that is none": (signed(lambda _key, _claims: "a.b"), "three parts"),
}


@pytest.mark.requirement("I17")
@pytest.mark.parametrize("name", TOKENS)
async def test_an_id_token_that_does_not_hold_lets_nobody_in(name: str, caplog: pytest.LogCaptureFixture) -> None:
    lie, why = TOKENS[name]
    async with scene() as at:
        lie(at.idp)
        with caplog.at_level(logging.WARNING):
            back = await at.log_in()
        assert back.status == 401
        assert "was not accepted" in back.text
        assert why in caplog.text
        assert at.browser.cookies == {}
        assert await at.logins() == []


Answer = Callable[[str], str]
ANSWERS: dict[str, Answer] = {
    "another state": lambda url: re.sub(r"state=[^&]+", "state=another", url),
    "no state": lambda url: re.sub(r"state=[^&]+&?", "", url),
    "another issuer": lambda url: re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", url),
    "no issuer where one is promised": lambda url: re.sub(r"iss=[^&]+&?", "", url),
    "an error": lambda url: re.sub(r"code=[^&]+", "error=access_denied", url),
    "no code": lambda url: re.sub(r"code=[^&]+&?", "", url),
    "another code": lambda url: re.sub(r"code=[^&]+", "code=code-9", url),
    "two states": lambda url: url.replace("?", "?state=another&"),
    "two codes": lambda url: url.replace("?", "?code=another&"),
    "too much": lambda url: f"{url}&more={'x' * 20_000}",
}


@pytest.mark.requirement("I17")
@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_that_does_not_fit_lets_nobody_in_and_cannot_be_put_right(name: str) -> None:
    async with scene() as at:
        sent_back = await at.begin()
        back = await at.browser.go(ANSWERS[name](sent_back.location), sent_back.url)
        assert back.status in (400, 401), back.text
        assert at.browser.cookies == {}
        assert (await at.browser.go(sent_back.location, sent_back.url)).status == 401
        assert not await at.is_in()
        assert await at.logins() == []


@pytest.mark.requirement("I17")
async def test_an_answer_counts_once_in_the_browser_that_asked_and_for_ten_minutes() -> None:
    async with scene() as at:
        sent_back = await at.begin()
        # Login CSRF: somebody else's answer in my browser, mine in theirs.
        stolen = await at.other.go(sent_back.location, at.idp.url)
        assert (stolen.status, at.other.cookies) == (401, {})
        before = dict(at.browser.cookies)
        assert (await at.browser.go(sent_back.location, sent_back.url)).status == 200
        assert set(at.browser.cookies) == {(at.url, COOKIE)}
        # Again, by somebody who kept the cookie that the browser was told to forget.
        at.browser.cookies = before
        assert (await at.browser.go(sent_back.location, sent_back.url)).status == 401
        assert len(at.idp.asked) == 1
        late = await at.begin()
        assert (at.url, FLOW_COOKIE) in at.browser.cookies
        at.clock.advance(FLOW_S * 1000)
        assert (await at.browser.go(late.location, late.url)).status == 401
        assert len(at.idp.asked) == 1


@pytest.mark.requirement("I17")
@pytest.mark.parametrize(
    "person",
    [
        {"sub": "u-2", "groups": ["strangers"]},
        {"sub": "u-2", "groups": "staff,admin"},
        {"sub": "u-2", "groups": [["staff"]]},
        {"sub": "u-2", "role": "admin"},
        {"sub": "u-2", "email": "vi@example.org"},
        {"sub": "u-2", "email": "vi@example.org", "email_verified": "true"},
        {"sub": "ada"},
        {"sub": "U-1"},
        {"sub": "u 1", "groups": ["staff"]},
    ],
)
async def test_whom_no_mapping_names_is_nobody_however_well_the_provider_knows_them(person: dict[str, Any]) -> None:
    async with scene() as at:
        at.idp.person = person
        back = await at.log_in()
        assert back.status == 403
        assert "no role is mapped" in back.text
        assert at.browser.cookies == {}
        assert await at.logins() == []


async def test_an_address_that_the_provider_has_verified_may_be_mapped_and_one_that_it_has_not_is_shown_as_such() -> None:
    async with scene() as at:
        at.idp.person = {"sub": "u-2", "email": "vi@example.org", "email_verified": True}
        assert (await at.log_in()).status == 200
        at.idp.person = {"sub": "u-3", "groups": ["staff"], "email": "ceo@example.org"}
        assert (await at.log_in()).status == 200
        assert [entry["body"]["shown"] for entry in await at.logins()] == ["vi@example.org", "ceo@example.org, not verified"]


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example", "/%5Cevil.example", "javascript:x", "%2F%2Fevil.example"]
)
async def test_a_login_leads_to_our_own_pages_only(onward: str) -> None:
    async with scene() as at:
        # Not by way of the login page, which reads `next` itself.
        started = await at.browser.go(f"{at.url}/login/oidc?next={onward}")
        sent_back = await at.browser.go(started.location, started.url)
        back = await at.browser.go(sent_back.location, sent_back.url)
        assert back.status == 200
        assert 'content="0;url=/"' in back.text
        assert "evil" not in back.text


async def test_another_site_does_not_begin_a_login() -> None:
    async with scene() as at:
        sent = await at.browser.go(f"{at.url}/login/oidc?next=/status", "https://evil.example/page")
        assert (sent.status, sent.location, sent.set_cookies) == (303, f"{at.url}/login", ())


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"issuer": "https://evil.example"}, "of another issuer"),
        ({"issuer": None}, "of another issuer"),
        ({"token_endpoint": "http://idp.example/token"}, "token_endpoint"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"authorization_endpoint": None}, "authorization_endpoint"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"padding": "x" * 300_000}, "more than"),
    ],
)
async def test_a_document_that_cannot_be_relied_on_lets_nobody_begin(
    document: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene() as at:
        at.idp.document = document
        with caplog.at_level(logging.WARNING):
            assert (await at.browser.go(f"{at.url}/login/oidc")).status == 503
        assert why in caplog.text
        assert at.browser.cookies == {}


@pytest.mark.requirement("I17")
async def test_a_token_of_the_issuer_is_no_credential_here_and_neither_is_the_cookie() -> None:
    async with scene() as at:
        now = at.clock.now() // 1000
        token = at.idp.key.sign({"iss": at.idp.url, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300}, {"kid": "one"})
        await at.log_in()
        cookie = at.browser.cookies[at.url, COOKIE][0]
        for credential in (token, cookie):
            headers = {"authorization": f"Bearer {credential}"}
            assert (await at.desk.api("GET", "/whoami", by=None, headers=headers)).status == 401


async def test_a_change_made_by_another_site_with_the_cookie_of_such_a_login_is_refused() -> None:
    async with scene() as at:
        await at.log_in()
        value = at.browser.cookies[at.url, COOKIE][0]
        headers = {"cookie": f"{COOKIE}={value}", "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        assert (await at.desk.page("POST", "/logout", {}, headers=headers)).status == 403


async def test_the_api_ends_a_login_by_its_cookie_too() -> None:
    async with scene() as at:
        await at.log_in()
        headers = {**PAGE, "cookie": f"{COOKIE}={at.browser.cookies[at.url, COOKIE][0]}"}
        ended = await at.desk.api("POST", "/logout", by=None, headers=headers)
        assert (ended.status, "Max-Age=0" in ended.raw.headers["set-cookie"]) == (200, True)
        assert not await at.is_in()


async def test_without_an_issuer_there_is_no_button_and_nothing_behind_it() -> None:
    desk = await Desk.open()
    assert "Log in with" not in (await desk.page("GET", "/login")).text
    for path in ("/login/oidc", "/login/oidc/callback?code=x&state=y"):
        assert (await desk.page("GET", path)).status == 404


# --- the command line, by the device grant ------------------------------------------------------------------------------

UID = 700


async def begun(at: Scene) -> str:
    answer = await at.desk.api("POST", "/login/device", {}, by=None, peer_uid=UID)
    assert answer.status == 200, answer.text
    assert answer.json["uri"] == f"{at.idp.url}/activate"
    return answer.json["login"]


async def test_a_login_by_the_device_grant_gives_a_credential_that_logging_out_ends() -> None:
    async with scene() as at:
        login = {"login": await begun(at)}
        result = "/login/device/result"
        assert (await at.desk.api("POST", result, login, by=None, peer_uid=UID)).json == {"state": "waiting", "interval_s": 5}
        at.idp.approved = True
        # Nobody makes the gateway ask more often than the issuer wants to be asked.
        assert (await at.desk.api("POST", result, login, by=None, peer_uid=UID)).json["state"] == "waiting"
        assert len(at.idp.asked) == 1
        at.clock.advance(5000)
        assert (await at.desk.api("POST", result, login, by=None, peer_uid=UID + 1)).status == 409
        done = (await at.desk.api("POST", result, login, by=None, peer_uid=UID)).json
        assert (done["state"], done["role"], done["name"]) == ("done", "approver", f"{at.idp.url}#u-17")
        headers = {"authorization": f"Bearer {done['credential']}"}
        assert (await at.desk.api("GET", "/whoami", by=None, headers=headers)).json["name"] == done["name"]
        assert (await at.desk.page("GET", "/approvals", headers={"cookie": f"{COOKIE}={done['credential']}"})).status == 303
        assert (await at.desk.api("POST", result, login, by=None, peer_uid=UID)).status == 409
        assert [entry["body"]["way"] for entry in await at.logins()] == ["device"]
        assert (await at.desk.api("POST", "/logout", by=None, headers=headers)).status == 200
        assert (await at.desk.api("GET", "/whoami", by=None, headers=headers)).status == 401


@pytest.mark.requirement("I17")
async def test_nobody_begins_such_a_login_over_tcp_or_as_a_user_under_which_an_agent_runs() -> None:
    async with scene() as at:
        assert (await at.desk.api("POST", "/login/device", {}, by=None)).status == 403
        rules = at.world.catalogue.rules
        agents = {name: replace(rule, uids=frozenset({UID})) for name, rule in rules.agents.items()}
        at.world.catalogue.replace(replace(rules, agents=agents), at.world.upstreams)
        assert (await at.desk.api("POST", "/login/device", {}, by=None, peer_uid=UID)).status == 403
        assert at.idp.asked == []


async def test_a_login_that_the_person_refuses_or_that_nobody_may_have_ends() -> None:
    async with scene() as at:
        login = {"login": await begun(at)}
        at.idp.approved = False
        assert (await at.desk.api("POST", "/login/device/result", login, by=None, peer_uid=UID)).status == 401
        assert (await at.desk.api("POST", "/login/device/result", login, by=None, peer_uid=UID)).status == 409
        login = {"login": await begun(at)}
        at.idp.approved, at.idp.person = True, {"sub": "stranger"}
        assert (await at.desk.api("POST", "/login/device/result", login, by=None, peer_uid=UID)).status == 403
        assert await at.logins() == []


async def test_no_more_such_logins_wait_than_are_bounded() -> None:
    async with scene() as at:
        for _ in range(20):
            await begun(at)
        assert (await at.desk.api("POST", "/login/device", {}, by=None, peer_uid=UID)).status == 503
        at.clock.advance(600_000)
        await begun(at)
