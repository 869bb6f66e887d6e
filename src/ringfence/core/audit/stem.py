"""What the tree hashes of an entry: its *stem*, in which the digest of the body stands for the body.

A leaf of version 2 is stored whole, with its body and, where the store gives one, a random salt. The tree is built over the
stem, so that a body can be dropped later while root, proofs and everything around the body stay verifiable:

    whole   {"agent":...,"at":...,"body":{...},"by":...,...,"salt":"...","seq":...,"summary":...,"tool":...,"v":2}
    stem    {"agent":...,"at":...,"body_sha256":"...","by":...,...,"seq":...,"summary":...,"tool":...,"v":2}

`body_sha256` is the SHA-256, in hexadecimal, of the RFC 8785 bytes of `{"body":BODY,"salt":SALT}`, with an empty salt where
the leaf has none. The salt goes with the body: what is left tells nobody who guesses bodies that a guess was right. A leaf of
another version is its own stem. Reasons: docs/adr/0005-bodies-can-be-dropped.md. Pure.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ringfence.core.audit.tree import leaf_hash
from ringfence.core.strict_json.canonical import canonical_bytes

BODY_DIGEST = "body_sha256"
VERSION = 2
_BODY = b',"body":'
_BY = b',"by":'
_SALT = b',"salt":"'
_END = b'"v":2}'


def entry_hash(leaf: bytes) -> bytes:
    """The hash of an entry in the tree, from its whole leaf or from its stem."""
    return leaf_hash(stem_of(leaf))


def stem_of(leaf: bytes) -> bytes:
    """The stem of a leaf that this program wrote. A stem is its own stem.

    Cuts bytes instead of parsing: before and after the body stand only scalars, in whose text no bare quotation mark can occur,
    so the first `,"body":` and the last `,"by":` are the members themselves. For any other bytes the answer has no meaning;
    a reader who trusts nobody checks the form first and uses `stem_of_value`.
    """
    start = leaf.find(_BODY)
    end = leaf.rfind(_BY)
    if start < 0 or end < start or not leaf.endswith(_END):
        return leaf
    body, rest = leaf[start + len(_BODY) : end], leaf[end:]
    salt = b""
    at = rest.find(_SALT)
    if at >= 0:
        close = rest.index(b'"', at + len(_SALT))
        salt, rest = rest[at + len(_SALT) : close], rest[:at] + rest[close + 1 :]
    digest = sha256(b'{"body":' + body + b',"salt":"' + salt + b'"}').hexdigest().encode()
    return leaf[:start] + b',"' + BODY_DIGEST.encode() + b'":"' + digest + b'"' + rest


def stem_of_value(entry: Mapping[str, Any]) -> bytes:
    """The stem of a parsed leaf. Raises: RequestError where it has no canonical bytes."""
    if entry.get("v") != VERSION or "body" not in entry:
        return canonical_bytes(dict(entry))
    stem = {name: value for name, value in entry.items() if name not in ("body", "salt")}
    stem[BODY_DIGEST] = body_digest(entry["body"], str(entry.get("salt", "")))
    return canonical_bytes(stem)


def body_digest(body: Any, salt: str) -> str:
    """What a stem has in place of a body."""
    return sha256(canonical_bytes({"body": body, "salt": salt})).hexdigest()


def has_body(leaf: bytes) -> bool:
    """Whether a leaf's body can be dropped: it is there, and the leaf is of a version that allows it."""
    return leaf.find(_BODY) >= 0 and leaf.endswith(_END)
