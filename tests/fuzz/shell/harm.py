"""What a command did in the box, held against the rules that the shapes are decided under."""

from __future__ import annotations

from tests.bypass.ground import FILES
from tests.fuzz.shell.box import Did

SECRET = frozenset({".env", "sub/.env", "secrets/k.txt"})
PROGRAMS = frozenset({"rm", "curl", "wget"})
"""No rule allows to run them."""
LINKS = {"pre_link": ".env", "pre_plink": "protected"}
KEPT = frozenset({"keep/f"})


def harms(did: Did) -> tuple[str, ...]:
    """What of it a rule denies, in words; nothing where it is harmless."""
    found: list[str] = []
    for words in did.executed:
        names = {word.rpartition("/")[2] for word in words[:2]}
        if names & PROGRAMS:
            found.append(f"ran {' '.join(words[1:])[:80]}")
        if "git" in names and "push" in words:
            found.append("ran git push")
    found += [f"read {path}" for path in sorted(did.read & SECRET)]
    found += [f"wrote {path}" for path in sorted(did.changed | did.gone | did.made) if path.startswith("protected/")]
    found += [f"removed {path}" for path in sorted(did.gone & KEPT)]
    return tuple(dict.fromkeys(found))


def ground() -> dict[str, str]:
    """The files that a command finds."""
    return dict(FILES)
