"""The promises of SECURITY.md, as data: id -> where it comes from.

`tests/architecture/test_requirements.py` fails when a promise has no test, when a test names a promise that is not here, and
when this table and SECURITY.md differ.
"""

from __future__ import annotations

REQUIREMENTS: dict[str, str] = {
    "I1": "write-ahead: nothing with a side effect leaves before its decision entry is durable",
    "I2": "complete: every call that was sent ends in exactly one recorded outcome",
    "I3": "fail closed: what cannot be read, parsed, verified or recorded is denied",
    "I4": "what was approved is what is executed",
    "I5": "an approval is single use, by entitled people, within its life",
    "I6": "an acknowledged kill holds",
    "I7": "no cap is ever passed, over the whole run tree",
    "I8": "run credentials: hashed, bound, expiring, revocable",
    "I9": "secret-marked values appear nowhere",
    "I10": "what a run was given stays with it: labels fall by an operator's act alone",
    "I11": "a child never has more than its parent",
    "I12": "tampering with the log is found",
    "I13": "no blind retry of an unknown outcome",
    "I14": "what waits or holds survives kill -9",
    "I15": "card fidelity",
    "I16": "unknown is denied; nothing invalid widens",
    "I17": "isolation between runs, and of people from agents",
    "I18": "nothing leaves a box but by its rules",
    "I19": "overload and hostile input are bounded and refused",
    "I20": "every decision can be explained from one query",
    "I21": "a box holds what runs in it, and nothing of it outlives it",
}

GAPS: dict[str, str] = {}
