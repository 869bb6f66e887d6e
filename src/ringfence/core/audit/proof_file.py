"""A proof that one entry is in the log, whole in one file: C2SP tlog-proof (`.tlog-proof`).

    c2sp.org/tlog-proof@v1
    extra BASE64                    the entry's leaf, whole or its stem
    index N
    BASE64 ...                      the inclusion proof, nearest node first
                                    (a blank line)
    (the checkpoint, with its cosignatures)

The format leaves `extra` to the application and does not authenticate it; here its hash has to be the one that is proved. Pure.
"""

import re
from dataclasses import dataclass

from ringfence.core.audit.note import decode_base64, encode_base64
from ringfence.errors import RequestError

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_MOST_HASHES = 63
LARGEST_FILE = 1 << 20
"""Characters."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """One entry, its place, and what shows that it is there. Nothing is verified yet."""

    leaf: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    """A signed note."""


def render_proof(proof: ProofFile) -> str:
    """The text of the file."""
    hashes = "".join(f"{encode_base64(node)}\n" for node in proof.path)
    return f"{_HEADER}\nextra {encode_base64(proof.leaf)}\nindex {proof.index}\n{hashes}\n{proof.checkpoint}"


def parse_proof(text: str) -> ProofFile:
    """Raises: RequestError for whatever is not exactly such a file."""
    if len(text) > LARGEST_FILE:
        raise RequestError(f"a proof longer than {LARGEST_FILE} characters")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 3 or lines[0] != _HEADER or not lines[1].startswith("extra "):
        raise RequestError(f"not a proof with its entry: `{_HEADER}`, `extra`, `index`, hashes, a blank line, a checkpoint")
    index = _INDEX.fullmatch(lines[2])
    if index is None or len(lines) - 3 > _MOST_HASHES:
        raise RequestError("a proof without a place, or with more hashes than a tree has levels")
    path = tuple(decode_base64(line) for line in lines[3:])
    return ProofFile(decode_base64(lines[1].removeprefix("extra ")), int(index[1]), path, checkpoint)
