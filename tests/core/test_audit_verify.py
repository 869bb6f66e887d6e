"""The offline verifier finds each way of tampering, and names it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text
from ringfence.core.audit.cosignature import cosign, with_cosignatures
from ringfence.core.audit.findings import Tamper
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import COSIGNATURE, parse_note, render_note, seal
from ringfence.core.audit.stem import entry_hash, stem_of
from ringfence.core.audit.tree import merkle_root
from ringfence.core.audit.verify import MOST_FINDINGS, LogReport, verify_log
from ringfence.core.records.entry import Entry, EntryKind

NAME = "ringfence.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def leaf(seq: int, summary: str = "a call was allowed") -> bytes:
    return Entry(kind=EntryKind.DECISION, at=1_700_000_000_000 + seq, summary=summary, body={"level": "allow"}).leaf(seq)


def signed(leaves: list[bytes], size: int) -> str:
    text = checkpoint_text(Checkpoint(NAME, size, merkle_root(map(entry_hash, leaves[:size]))))
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
    assert report.root == merkle_root(map(entry_hash, LOG))
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
    "the body of an entry edited": (
        [*LOG[:3], LOG[3].replace(b'"level":"allow"', b'"level":"deny"'), *LOG[4:]],
        [(Tamper.EDITED, None)],
    ),
    "a body dropped and another digest put there": (
        [*LOG[:3], stem_of(LOG[3].replace(b'"level"', b'"leveL"')), *LOG[4:]],
        [(Tamper.EDITED, None)],
    ),
    "an entry around a dropped body edited": (
        [*LOG[:3], stem_of(LOG[3]).replace(b"a call was allowed", b"nothing"), *LOG[4:]],
        [(Tamper.EDITED, None)],
    ),
    "a body beside a digest": ([*LOG[:3], b'{"body":{},"body_sha256":"","seq":3,"v":2}', *LOG[4:]], [(Tamper.EDITED, 3)]),
    "a salt that is a number": ([*LOG[:3], b'{"body":{},"salt":1,"seq":3,"v":2}', *LOG[4:]], [(Tamper.EDITED, 3)]),
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
    assert found(check([*LOG[:3], LOG[3].replace(b"1700000000003", b"1600000000003"), *LOG[4:]])) == [
        (Tamper.EDITED, None),
        (Tamper.CLOCK, 3),
    ]


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


# --- what was kept elsewhere, witnesses, times ---------------------------------------------------

WITNESSES = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2)]
WITNESS_KEYS = [
    VerifierKey(f"witness-{number}", COSIGNATURE, key.public_key().public_bytes_raw()) for number, key in enumerate(WITNESSES)
]
AT_S = 1_700_000_000


def cosigned(note: str, *numbers: int, seconds: int = AT_S) -> str:
    parsed = parse_note(note)
    lines = [cosign(parsed.text, WITNESS_KEYS[number], seconds, WITNESSES[number].sign) for number in numbers]
    return render_note(with_cosignatures(parsed, lines))


def judge(leaves: list[bytes], note: str | None, *kept: str) -> list[tuple[Tamper, int | None]]:
    return found(verify_log(iter(leaves), note, PUBLIC, NAME, kept=kept))


OTHER = [*LOG[:3], leaf(3, "something else"), *LOG[4:]]


@pytest.mark.requirement("I12")
def test_a_log_that_grew_from_every_checkpoint_kept_is_intact() -> None:
    assert judge(LOG, signed(LOG, 10), *(signed(LOG, size) for size in range(11))) == []


@pytest.mark.requirement("I12")
def test_an_older_state_put_back_with_its_own_checkpoint_is_found_by_a_newer_one() -> None:
    assert judge(LOG[:6], signed(LOG, 6)) == []
    assert judge(LOG[:6], signed(LOG, 6), signed(LOG, 9)) == [(Tamper.ROLLED_BACK, 6)]


@pytest.mark.requirement("I12")
def test_two_signed_heads_of_one_size_are_a_fork_whatever_the_log_says() -> None:
    assert judge(OTHER, signed(OTHER, 10), signed(LOG, 10)) == [(Tamper.FORKED, None)]
    assert judge(LOG, signed(LOG, 10), signed(OTHER, 10)) == [(Tamper.FORKED, None)]


@pytest.mark.requirement("I12")
def test_a_rewritten_history_signed_again_is_a_fork_to_who_kept_an_older_head() -> None:
    assert judge(OTHER, signed(OTHER, 10), signed(LOG, 2)) == []
    assert judge(OTHER, signed(OTHER, 10), signed(LOG, 5)) == [(Tamper.FORKED, None)]


@pytest.mark.requirement("I12")
def test_an_edit_is_an_edit_where_no_head_of_the_log_holds() -> None:
    assert judge(OTHER, signed(LOG, 10), signed(LOG, 5)) == [(Tamper.EDITED, None)] * 2
    assert judge(OTHER, None, signed(LOG, 5)) == [(Tamper.EDITED, None)]
    assert judge(LOG[:4], None, signed(LOG, 5)) == [(Tamper.TRUNCATED, 4)]


def test_a_kept_checkpoint_of_somebody_else_is_a_finding() -> None:
    assert judge(LOG, CHECKPOINT, "nonsense") == [(Tamper.CHECKPOINT, None)]


@pytest.mark.requirement("I12")
def test_a_log_whose_bodies_were_dropped_is_intact_and_says_how_many() -> None:
    report = check([stem_of(each) if place < 6 else each for place, each in enumerate(LOG)])
    assert report.is_intact
    assert report.dropped == 6


@pytest.mark.parametrize("numbers", [(), (0,), (0, 1)])
@pytest.mark.parametrize("quorum", [0, 1, 2, None])
def test_so_many_witnesses_have_to_have_cosigned(numbers: tuple[int, ...], quorum: int | None) -> None:
    note = cosigned(CHECKPOINT, *numbers)
    report = verify_log(iter(LOG), note, PUBLIC, NAME, witnesses=WITNESS_KEYS, quorum=quorum)
    needed = 2 if quorum is None else quorum
    assert found(report) == ([(Tamper.WITNESS, None)] if len(numbers) < needed else [])
    assert report.cosigned == tuple(f"witness-{number}" for number in numbers)


def test_a_cosignature_that_does_not_verify_is_a_finding() -> None:
    stolen = cosigned(signed(LOG, 10), 0).split("\n\n")[1].splitlines()[1]
    report = verify_log(iter(LOG), CHECKPOINT + stolen + "\n", PUBLIC, NAME, witnesses=WITNESS_KEYS, quorum=0)
    assert found(report) == [(Tamper.WITNESS, None)]


def test_what_an_unknown_witness_says_counts_for_nothing() -> None:
    assert verify_log(iter(LOG), cosigned(CHECKPOINT, 0, 1), PUBLIC, NAME).cosigned == ()


def dated(*minutes: int) -> list[bytes]:
    at = [AT_S * 1000 + minute * 60_000 for minute in minutes]
    return [Entry(kind=EntryKind.DECISION, at=when, summary="s", body={}).leaf(seq) for seq, when in enumerate(at)]


@pytest.mark.requirement("I12")
def test_times_that_run_backwards_are_found_once_for_each_jump() -> None:
    assert judge(dated(0, 1, 4, 0, 5), None) == []  # within the tolerance
    assert judge(dated(0, 60, 10, 11, 61, 0, 1), None) == [(Tamper.CLOCK, 2), (Tamper.CLOCK, 5)]


@pytest.mark.requirement("I12")
def test_times_that_do_not_fit_a_witness_are_found_even_where_everything_was_signed_again() -> None:
    for minutes, expected in (
        ((-2, -1, 0, 1), []),
        ((-2, 20, 21, 22), [(Tamper.CLOCK, 1)]),  # two entries were there at minute 0
        ((-300, -299, -200, 1), [(Tamper.CLOCK, 2)]),  # and the third was not
    ):
        log = dated(*minutes)
        note = cosigned(signed(log, 2), 0)
        report = verify_log(iter(log), signed(log, 4), PUBLIC, NAME, kept=[note], witnesses=WITNESS_KEYS, quorum=1)
        assert found(report) == expected
