"""People who log in at an issuer: who they are here, as long as the configuration says so.

They are no rows of the state: what they may do follows from the issuer's word and the rules as they are now, each time that it
is asked. So a mapping that is taken out ends what it gave, and the last admin of the state stays one who needs no issuer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from ringfence.core.model.identifiers import OperatorName
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.people import Person, RoleRule
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.runs.runs import NotDone
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

_RANK: Final = {Role.VIEWER: 0, Role.APPROVER: 1, Role.ADMIN: 2}
_NAME: Final = re.compile(r"[\x21-\x7e]{1,255}")
"""A subject (OpenID Connect Core, section 2), without spaces: it is part of a name."""
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
EMAIL: Final = "email"
VERIFIED: Final = "email_verified"


class People:
    """From an issuer's word to an operator."""

    def __init__(self, *, catalogue: Catalogue, store: Store, clock: Clock) -> None:
        self._catalogue = catalogue
        self._store = store
        self._clock = clock

    @property
    def login_s(self) -> int:
        """How long a login lasts."""
        rules = self._catalogue.rules.people
        return rules.login_s if rules is not None else 0

    def operator_of(self, person: Person) -> Operator | None:
        """Who a person is under the rules as they are now. None: nobody.

        The name is `ISSUER#SUBJECT`: no operator that was added has a `#` in theirs, so none is taken for another.
        """
        rules = self._catalogue.rules.people
        if rules is None or (person.issuer, person.client) != (rules.issuer, rules.client):
            return None
        subject = person.claims.get(rules.person)
        if not isinstance(subject, str) or not _NAME.fullmatch(subject) or _is_unverified(rules.person, person.claims):
            return None
        held = [rule for rule in rules.roles if _holds(rule, person.claims)]
        if not held:
            return None
        return Operator(
            name=OperatorName(f"{rules.issuer}#{subject}"),
            role=max((rule.role for rule in held), key=_RANK.__getitem__),
            credential_hash="",
            groups=tuple(sorted({group for rule in held for group in rule.groups})),
            shown=_shown(person.claims),
        )

    async def admit(self, person: Person, *, way: str) -> Operator | NotDone:
        """Record that somebody logs in. `way`: `browser` or `device`. Raises UnavailableError."""
        operator = self.operator_of(person)
        if operator is None:
            return NotDone(
                "the issuer knows you, but no role is mapped to what it says of you",
                "an admin maps a claim of yours under `operators.oidc.roles`",
            )
        entry = Entry(
            kind=EntryKind.CONTROL,
            at=self._clock.now(),
            summary=f"{operator.label} logged in as {operator.role.value}"[:400],
            by=f"operator:{operator.name}",
            decision="login",
            body={
                "operator": operator.name,
                "issuer": person.issuer,
                "subject": operator.name.removeprefix(f"{person.issuer}#"),
                "shown": operator.shown,
                "role": operator.role.value,
                "groups": list(operator.groups),
                "way": way,
            },
        )
        receipt = await self._store.record(Unit((entry,)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        return operator


def _holds(rule: RoleRule, claims: Mapping[str, Any]) -> bool:
    if _is_unverified(rule.claim, claims):
        return False
    value = claims.get(rule.claim)
    return value == rule.value or (isinstance(value, list) and rule.value in cast("list[Any]", value))


def _is_unverified(claim: str, claims: Mapping[str, Any]) -> bool:
    """Whoever can write an address into their own account must not become somebody by it."""
    return claim == EMAIL and claims.get(VERIFIED) is not True


def _shown(claims: Mapping[str, Any]) -> str:
    email = claims.get(EMAIL)
    if not isinstance(email, str) or not _EMAIL.fullmatch(email):
        return ""
    return email if claims.get(VERIFIED) is True else f"{email}, not verified"
