"""The control plane on an engine of fakes, and the smallest client for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from ringfence.adapters.identity.people import OidcPeople
from ringfence.adapters.telemetry.metrics import PrometheusMetrics
from ringfence.app.control.app import build_control
from ringfence.app.control.inprocess import Response, ask
from ringfence.app.control.scraping import Scraping
from ringfence.app.control.services import ControlServices
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.run import Posture
from ringfence.engine.runs.runs import NotDone
from ringfence.testing.world import World

OWN_UID = 4100
PAGE = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}


def services_of(world: World, **changes: Any) -> ControlServices:
    """The control plane's services on a world's parts."""

    async def reload() -> str | None:
        return None

    given: dict[str, Any] = {
        "store": world.store,
        "log": world.log,
        "clock": world.clock,
        "entropy": world.entropy,
        "signer": world.signer,
        "approvals": world.approvals,
        "stops": world.stops,
        "guards": world.guards,
        "signals": world.signals,
        "runs": world.runs,
        "outsiders": world.outsiders,
        "operators": world.operators,
        "people": world.people,
        "people_issuer": OidcPeople(None, world.clock),
        "pins": world.pins,
        "budgets": world.budgets,
        "labels": world.labels,
        "handoffs": world.handoffs,
        "steering": world.steering,
        "catalogue": world.catalogue,
        "alerts": world.alerts,
        "checkpointer": world.checkpointer,
        "log_care": world.log_care,
        "scraping": Scraping(PrometheusMetrics()),
        "reload": reload,
        "status": dict,
        "posture": Posture.SEPARATE,
        "version": "0.0.0",
        "own_uid": OWN_UID,
    }
    return ControlServices(**{**given, **changes})


@dataclass(frozen=True)
class Answer:
    """What came back."""

    raw: Response

    @property
    def status(self) -> int:
        return self.raw.status

    @property
    def json(self) -> Any:
        return json.loads(self.raw.body)

    @property
    def text(self) -> str:
        return self.raw.body.decode()

    @property
    def error(self) -> dict[str, str]:
        return self.json["error"]


@dataclass(frozen=True)
class Desk:
    """People at the control plane: `ada` (admin), `bo` (approver), `vi` (viewer), each with a credential."""

    world: World
    app: ASGIApp
    credentials: Mapping[str, str]

    @classmethod
    async def open(cls, world: World | None = None, *, people: bool = True, **changes: Any) -> Desk:
        world = world or await World.build()
        credentials: dict[str, str] = {}
        if people:
            for name, role in (("ada", Role.ADMIN), ("bo", Role.APPROVER), ("vi", Role.VIEWER)):
                credentials[name] = (await add(world, name, role))[1]
        return cls(world, build_control(services_of(world, **changes)), credentials)

    async def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str | None = "ada",
        headers: Mapping[str, str] | None = None,
        peer_uid: int | None = None,
    ) -> Answer:
        """One request to `/api/v1`, with an operator's credential unless `by` is None."""
        sent = {**({"authorization": f"Bearer {self.credentials[by]}"} if by else {}), **(headers or {})}
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return Answer(await ask(self.app, method, f"/api/v1{path}", body=data, headers=sent, peer_uid=peer_uid))

    async def page(
        self, method: str, path: str, form: Mapping[str, str] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request as a browser makes it."""
        sent = {**({"content-type": "application/x-www-form-urlencoded"} if form is not None else {}), **(headers or {})}
        data = urlencode(form).encode() if form is not None else b""
        return Answer(await ask(self.app, method, path, body=data, headers=sent))

    async def login(self, name: str = "ada") -> dict[str, str]:
        """Log in; the headers of a browser on our own page."""
        answer = await self.page("POST", "/login", {"operator": name, "credential": self.credentials[name]}, headers=PAGE)
        assert answer.status == 303, answer.text
        return {**PAGE, "cookie": answer.raw.headers["set-cookie"].partition(";")[0]}


async def add(world: World, name: str, role: Role, uid: int | None = None) -> tuple[Operator, str]:
    """An operator with its credential."""
    added = await world.operators.add(name, role, uid=uid, by="gateway")
    assert not isinstance(added, NotDone), added
    return added
