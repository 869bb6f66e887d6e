"""Logins at an issuer, as the control plane keeps them: cookies, bounds, and a configuration that changes meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import quote

from tests.app.control_kit import OWN_UID, Answer, Desk

from ringfence.app.control.flows import MOST, Flows
from ringfence.app.control.inprocess import ask
from ringfence.core.model.operator import Role
from ringfence.core.model.people import PeopleRules, Person, RoleRule
from ringfence.ports.people import DeviceCode, NoPerson, Offer, Waiting
from ringfence.ports.secrets import Secret
from ringfence.testing.scenario import shop_rules
from ringfence.testing.world import World

ISSUER, HOST = "https://login.example", "gate.example"
OFFER = Offer(issuer=ISSUER, client="gate", label="<b>Login</b>", redirect_uri=f"https://{HOST}/login/oidc/callback")


@dataclass
class FakeIssuer:
    """Lets `u1` in, whatever code is shown."""

    offer: Offer | None = OFFER
    states: list[str] = field(default_factory=list[str])
    redeemed: int = 0

    async def address(self, *, state: str, nonce: str, challenge: str) -> str | NoPerson:
        self.states.append(state)
        return f"{ISSUER}/authorize?state={quote(state)}"

    async def says_issuer(self, issuer: str | None) -> NoPerson | None:
        return None

    async def redeem(self, code: str, *, verifier: str, nonce: str) -> Person | NoPerson:
        self.redeemed += 1
        return Person(issuer=ISSUER, client="gate", claims={"sub": "u1"})

    async def device(self) -> DeviceCode | NoPerson:
        return NoPerson("no device grant")

    async def redeem_device(self, code: Secret) -> Person | Waiting | NoPerson:
        return Waiting()


async def open_desk(issuer: FakeIssuer) -> Desk:
    people = PeopleRules(issuer=ISSUER, client="gate", roles=(RoleRule(claim="sub", value="u1", role=Role.VIEWER),))
    world = await World.build(rules=replace(shop_rules(), people=people))
    return await Desk.open(world, people_issuer=issuer, public_url=f"https://{HOST}")


async def get(desk: Desk, path: str, cookie: str = "", host: str = HOST) -> Answer:
    return Answer(await ask(desk.app, "GET", path, headers={"host": host, **({"cookie": cookie} if cookie else {})}))


async def begun(desk: Desk) -> str:
    """The cookie of a login that has begun."""
    return (await get(desk, "/login/oidc?next=/status")).raw.headers["set-cookie"].partition(";")[0]


async def test_over_https_both_cookies_are_for_https_only() -> None:
    issuer = FakeIssuer()
    desk = await open_desk(issuer)
    started = await get(desk, "/login/oidc")
    assert started.raw.headers["location"].startswith(f"{ISSUER}/authorize")
    assert "; Secure" in started.raw.headers["set-cookie"]
    cookie = started.raw.headers["set-cookie"].partition(";")[0]
    response = await ask(
        desk.app, "GET", f"/login/oidc/callback?code=c&state={issuer.states[0]}", headers={"host": HOST, "cookie": cookie}
    )
    assert response.status == 200
    assert "; Secure" in response.headers["set-cookie"]


async def test_the_button_leads_to_the_address_that_the_issuer_sends_back_to_and_shows_its_label_as_text() -> None:
    desk = await open_desk(FakeIssuer())
    page = (await get(desk, "/login?next=/approvals/t_1", host="127.0.0.1:7411")).text
    assert f'href="https://{HOST}/login/oidc?next=%2Fapprovals%2Ft_1"' in page
    assert "Log in with &lt;b&gt;Login&lt;/b&gt;" in page


async def test_an_issuer_that_is_replaced_meanwhile_is_not_shown_the_code_of_the_other() -> None:
    issuer = FakeIssuer()
    desk = await open_desk(issuer)
    cookie = await begun(desk)
    issuer.offer = replace(OFFER, issuer="https://other.example")
    answer = await get(desk, f"/login/oidc/callback?code=c&state={issuer.states[0]}", cookie)
    assert (answer.status, issuer.redeemed) == (401, 0)
    issuer.offer = None
    assert (await get(desk, f"/login/oidc/callback?code=c&state={issuer.states[0]}", cookie)).status == 404


async def test_logins_that_nobody_finishes_are_bounded_and_the_oldest_gives_way() -> None:
    world = await World.build()
    flows = Flows(world.clock, world.entropy)
    first, second, *_ = [flows.begin(OFFER, "/")[0] for _ in range(MOST + 1)]
    assert flows.take(first) is None
    assert flows.take(second) is not None


async def test_the_unix_socket_has_no_such_page_and_a_head_request_begins_nothing() -> None:
    issuer = FakeIssuer()
    desk = await open_desk(issuer)
    assert (await ask(desk.app, "GET", "/login/oidc", peer_uid=OWN_UID)).status == 404
    assert (await ask(desk.app, "HEAD", "/login/oidc", headers={"host": HOST})).status == 404
    assert issuer.states == []


async def test_an_issuer_without_a_device_grant_says_so() -> None:
    desk = await open_desk(FakeIssuer())
    answer = await desk.api("POST", "/login/device", {}, by=None, peer_uid=OWN_UID)
    assert (answer.status, answer.error["remedy"]) == (401, "no device grant")
