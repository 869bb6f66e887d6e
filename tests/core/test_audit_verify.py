"""The offline verifier finds each way of tampering, and names it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text
from ringfence.core.audit.note import seal
from ringfence.core.audit.tree import leaf_hash, merkle_root
from ringfence.core.audit.verify import MOST_FINDINGS, LogReport, Tamper, verify_log
from ringfence.core.entry import Entry, EntryKind

NAME = "ringfence.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def leaf(seq: int, summary: str = "a call was allowed") -> bytes:
    return Entry(kind=EntryKind.DECISION, at=1_700_000_000_000 + seq, summary=summary, body={"level": "allow"}).leaf(seq)


def signed(leaves: list[bytes], size: int) -> str:
    text = checkpoint_text(Checkpoint(NAME, size, merkle_root(map(leaf_hash, leaves[:size]))))
    return seal(text, NAME, PUBLIC, KEY.sign(text.encode()))


LOG = [leaf(seq) for seq in range(10)]
CHECKPOINT = signed(LOG, 8)


def check(leaves: list[bytes], note: str | None = CHECKPOINT) -> LogReport:
    return verify_log(iter(leaves), note, PUBLIC, NAME)


def found(report: LogReport) -> list[tuple[Tamper, int | None]]:
    return [(finding.tamper, finding.seq) for finding in report.findings]


@pytest.mark.requirement("I12")
def test_an_untouched_log_is_intact_and_its_newest_entries_are_the_unsigned_tail() -> None:
    report = check(LOG)
    assert report.is_intact
    assert (report.size, report.unsigned) == (10, 2)
    assert report.root == merkle_root(map(leaf_hash, LOG))
    assert report.checkpoint is not None
    assert report.checkpoint.size == 8


def test_without_a_checkpoint_everything_is_unsigned() -> None:
    report = check(LOG, None)
    assert report.is_intact
    assert (report.checkpoint, report.unsigned) == (None, 10)


def test_an_empty_log_agrees_with_an_empty_checkpoint_only() -> None:
    assert check([], signed([], 0)).is_intact
    assert check(LOG, signed([], 0)).unsigned == 10
    assert found(check([], CHECKPOINT)) == [(Tamper.TRUNCATED, 0)]


def renumbered(leaves: list[bytes]) -> list[bytes]:
    return [
        b.replace(b'"seq":%d,' % int(b.split(b'"seq":')[1].split(b",")[0]), b'"seq":%d,' % at) for at, b in enumerate(leaves)
    ]


TAMPERED: dict[str, tuple[list[bytes], list[tuple[Tamper, int | None]]]] = {
    "an entry edited in place": ([*LOG[:3], leaf(3, "a call was denied"), *LOG[4:]], [(Tamper.EDITED, None)]),
    "an entry written with spaces": ([*LOG[:3], LOG[3].replace(b":", b": "), *LOG[4:]], [(Tamper.EDITED, 3)]),
    "an entry that is not JSON": ([*LOG[:3], b"gone", *LOG[4:]], [(Tamper.EDITED, 3)]),
    "an entry emptied": ([*LOG[:3], b"", *LOG[4:]], [(Tamper.EDITED, 3)]),
    "an entry without a place": ([*LOG[:3], b'{"v":1}', *LOG[4:]], [(Tamper.EDITED, 3)]),
    "an entry with a key twice": ([*LOG[:3], b'{"seq":3,"seq":3}', *LOG[4:]], [(Tamper.EDITED, 3)]),
    "an entry with place true": ([LOG[0], b'{"seq":true}', *LOG[2:]], [(Tamper.EDITED, 1)]),
    "the first entry deleted": (LOG[1:], [(Tamper.DELETED, 0)]),
    "an entry deleted": ([*LOG[:4], *LOG[5:]], [(Tamper.DELETED, 4)]),
    "several entries deleted": ([*LOG[:4], *LOG[6:]], [(Tamper.DELETED, 4)]),
    "an entry of the unsigned tail deleted": ([*LOG[:8], LOG[9]], [(Tamper.DELETED, 8)]),
    "an entry deleted and the rest numbered anew": (renumbered([*LOG[:4], *LOG[5:]]), [(Tamper.EDITED, None)]),
    "two neighbours swapped": ([*LOG[:4], LOG[5], LOG[4], *LOG[6:]], [(Tamper.REORDERED, 4)]),
    "an entry moved to the end": ([*LOG[:2], *LOG[3:], LOG[2]], [(Tamper.REORDERED, 2)]),
    "two neighbours swapped and numbered anew": (
        renumbered([*LOG[:4], LOG[5], LOG[4], *LOG[6:]]),
        [(Tamper.EDITED, None)],
    ),
    "an entry inserted": ([*LOG[:4], leaf(3, "made up"), *LOG[4:]], [(Tamper.INSERTED, 3)]),
    "an entry inserted and the rest numbered anew": (
        renumbered([*LOG[:4], leaf(4), *LOG[4:]]),
        [(Tamper.EDITED, None)],
    ),
    "an entry repeated at the end": ([*LOG, LOG[9]], [(Tamper.INSERTED, 9)]),
    "the end cut off": (LOG[:7], [(Tamper.TRUNCATED, 7)]),
    "everything gone": ([], [(Tamper.TRUNCATED, 0)]),
    "one deleted and the end cut off": ([*LOG[:2], *LOG[3:6]], [(Tamper.DELETED, 2), (Tamper.TRUNCATED, 6)]),
    "one moved, two deleted": (
        [*LOG[:2], *LOG[5:], LOG[3]],
        [(Tamper.REORDERED, 3), (Tamper.DELETED, 2), (Tamper.DELETED, 4)],
    ),
}


@pytest.mark.requirement("I12")
@pytest.mark.parametrize(("leaves", "expected"), TAMPERED.values(), ids=TAMPERED.keys())
def test_tampering_is_found_and_named(leaves: list[bytes], expected: list[tuple[Tamper, int | None]]) -> None:
    assert leaves != LOG
    assert found(check(leaves)) == expected


@pytest.mark.requirement("I12")
@pytest.mark.parametrize(
    "note",
    [
        "",
        "nonsense",
        CHECKPOINT.replace("\n8\n", "\n7\n"),
        CHECKPOINT.replace("— ringfence", "— rangfence"),
        signed(LOG, 8)[:-10] + "\n",
    ],
    ids=["empty", "nonsense", "another size", "another key", "cut off"],
)
def test_a_checkpoint_that_cannot_be_trusted_is_a_finding_and_signs_nothing(note: str) -> None:
    report = check(LOG, note)
    assert found(report) == [(Tamper.CHECKPOINT, None)]
    assert (report.checkpoint, report.unsigned) == (None, 10)


def test_a_checkpoint_of_another_key_is_a_finding() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert found(verify_log(LOG, CHECKPOINT, other, NAME)) == [(Tamper.CHECKPOINT, None)]
    assert found(verify_log(LOG, CHECKPOINT, b"short", NAME)) == [(Tamper.CHECKPOINT, None)]


@pytest.mark.requirement("I12")
def test_a_rollback_to_an_older_copy_is_found_by_a_newer_checkpoint() -> None:
    older = LOG[:6]
    assert check(older, signed(LOG, 6)).is_intact
    assert found(check(older, signed(LOG, 10))) == [(Tamper.TRUNCATED, 6)]


@pytest.mark.requirement("I12")
def test_a_clock_rewritten_in_one_entry_is_found() -> None:
    assert found(check([*LOG[:3], LOG[3].replace(b"1700000000003", b"1600000000003"), *LOG[4:]])) == [(Tamper.EDITED, None)]


def test_a_report_lists_so_many_findings_and_counts_the_rest() -> None:
    report = check([b"x"] * (MOST_FINDINGS + 20))
    assert len(report.findings) == MOST_FINDINGS
    assert report.unlisted == 20


def test_entries_that_quote_hostile_values_at_the_limit_are_still_readable() -> None:
    deep: object = "\0"
    for _ in range(64):
        deep = [deep]
    entry = Entry(kind=EntryKind.DECISION, at=1, summary="refused", body={"arguments": deep})
    assert check([entry.leaf(0)], None).is_intact


@pytest.mark.requirement("I12")
@given(st.permutations(LOG[:8]).map(list) | st.lists(st.sampled_from([*LOG, leaf(2, "x"), b"{}"]), max_size=12))
def test_no_other_sequence_passes_for_the_signed_one(leaves: list[bytes]) -> None:
    assert check(leaves).is_intact == (leaves[:8] == LOG[:8] and leaves[8:] in ([], LOG[8:9], LOG[8:]))
