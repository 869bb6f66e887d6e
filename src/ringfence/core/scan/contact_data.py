"""E-mail addresses and telephone numbers: which candidates are one. Pure. The checks are as in `payment_numbers`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.scan.payment_numbers import stands_alone

_NO_TOP_LEVEL: Final = frozenset(
    b"png jpg jpeg gif svg webp ico js mjs ts css json py rb go rs java md txt html xml yml yaml lock log "
    b"local localhost internal localdomain example invalid test".split()
)
"""What stands after a dot in names of files and machines, and the names that nobody's mail goes to (RFC 2606)."""
_NOBODY: Final = (b"example.com", b"example.org", b"example.net")
_ACCOUNTS: Final = frozenset({b"git", b"hg", b"svn"})
"""`git@host:path` is an address of SSH."""
_LONGEST_LOCAL: Final = 64
_CALLING_CODE: Final = re.compile(
    r"1|7|2[07]|21[1-368]|22[0-9]|23[0-9]|24[0-9]|25[0-8]|26[0-9]|29[0179]|298|3[0-469]|35[0-9]|37[0-8]|38[0-35-79]"
    r"|4[013-9]|42[013]|5[1-8]|50[0-9]|59[0-9]|6[0-6]|67[02-9]|68[0-35-9]|69[0-2]|8[1246]|85[02356]|88[06]|9[0-58]|96[0-8]|97[0-7]"
    r"|99[2-68]"
)
"""Of countries (ITU-T E.164, annex to the operational bulletin)."""
_FEWEST, _MOST = 8, 15
_BRACKETED = 10


def email(text: bytes, start: int, end: int) -> int:
    """A name and a domain with a top level that is none of a file, a machine or an example."""
    name, _, domain = text[start:end].partition(b"@")
    domain = domain.lower()
    top = domain.rpartition(b".")[2]
    if len(name) > _LONGEST_LOCAL or name.lower() in _ACCOUNTS or name[0] in b".-" or b".." in name or name.endswith(b"."):
        return -1
    if not top.isalpha() or len(top) < 2 or top in _NO_TOP_LEVEL or domain.endswith(_NOBODY):
        return -1
    # Scheme://name:word@host and @scope/name@version.
    return -1 if text[start - 1 : start] in (b":", b"/") or text[end : end + 1] in (b":", b"/") else end


def phone(text: bytes, start: int, end: int) -> int:
    """With the calling code of a country and a plausible number of digits, or as North America writes it, `(212) 555-0100`."""
    written = text[start:end].decode("latin-1")
    digits = "".join(sign for sign in written if sign.isdigit())
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or before in (b"+", b"-", b".", b"/", b"_", b"=") or after in (b"+", b"_", b"%", b"=", b":", b"@"):
        return -1
    if written[0] == "(":
        return end if len(digits) == _BRACKETED and stands_alone(text, start, end) else -1
    if not _FEWEST <= len(digits) <= _MOST or len(set(digits)) < 3:
        return -1
    if after in (b".", b",", b"-") and text[end + 1 : end + 2].isdigit():
        return -1
    return end if _CALLING_CODE.match(digits) else -1
