"""To whom a credential is bound: what only its rightful sender can show, besides knowing it.

Four closed kinds, each one text `KIND:VALUE`, so that what a transport says of a sender is a set of such texts:

    uid:1000      the local user at the other end of the agents' unix socket, as the kernel says
    x5t:...       SHA-256 of a client certificate, base64url (RFC 8705, section 3.1: `x5t#S256`)
    box:...       the box whose inner listener it comes from; a random name that never enters the box
    jkt:...       SHA-256 thumbprint of a DPoP key (RFC 9449, section 6.1; RFC 7638)

A credential may be bound to a key besides a user or a certificate, `uid:1000+jkt:...`: then its sender shows both.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

UNBOUND: Final = ""
"""Whoever knows it may use it: a bearer credential."""
_DIGEST: Final = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
"""32 bytes in base64url without padding, in the one way of writing them."""
KEY_THUMBPRINT: Final = rf"^{_DIGEST}$"
"""What stands after `jkt:`, as a pattern for schemas."""
_KEY: Final = rf"jkt:{_DIGEST}"
_FORM: Final = re.compile(rf"(?:uid:(?:0|[1-9][0-9]{{0,9}})|(?:x5t|box):{_DIGEST})(?:\+{_KEY})?|{_KEY}")


class BindingKind(StrEnum):
    LOCAL_USER = "uid"
    CERTIFICATE = "x5t"
    KEY = "jkt"
    BOX = "box"


def bound_to(kind: BindingKind, value: int | str) -> str:
    """The text of a binding."""
    return f"{kind.value}:{value}"


def kind_of(binding: str) -> BindingKind | None:
    """Of the first part. None: unbound."""
    return BindingKind(binding.partition(":")[0]) if binding else None


def is_binding(text: str) -> bool:
    """Whether a text is a binding, in its one form."""
    return _FORM.fullmatch(text) is not None


def with_key(binding: str, thumbprint: str) -> str:
    """What a child is bound to that has a key of its own: to whom its parent is, and that key in the place of a parent's.

    A user or a certificate stays: naming a key is no way out of a machine.
    """
    kept = [part for part in parts_of(binding) if kind_of(part) is not BindingKind.KEY]
    return "+".join([*kept, bound_to(BindingKind.KEY, thumbprint)])


def parts_of(binding: str) -> tuple[str, ...]:
    """All that its sender has to show."""
    return tuple(binding.split("+")) if binding else ()


def mismatch(binding: str, senders: frozenset[str]) -> str:
    """Why a credential of this binding does not belong to a sender; empty: it does. For the operators' log.

    A key that was proven without need is a fault too: whoever proves one believes the credential to be bound to it (RFC 9449,
    section 7.2). Likewise a box: its listener is one run's, so what is bound to nobody, or elsewhere, is not spoken in it. The
    run's children are bound to it as well.
    """
    proven = next((sender for sender in senders if sender.startswith(f"{BindingKind.KEY.value}:")), None)
    parts = parts_of(binding)
    if proven is not None and proven not in parts:
        return f"it is bound to {binding or 'nobody'}, and its sender proved {proven}"
    box = next((sender for sender in senders if sender.startswith(f"{BindingKind.BOX.value}:")), None)
    if box is not None and box not in parts:
        return f"it is bound to {binding or 'nobody'}, and it was shown in a box that is another run's"
    if not senders.issuperset(parts):
        shown = ", ".join(sorted(senders)) or "nothing"
        return f"it is bound to {binding}, and its sender showed {shown}"
    return ""
