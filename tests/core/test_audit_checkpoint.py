"""Checkpoints: the exact text, and whose signature counts."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text, open_checkpoint, parse_checkpoint
from ringfence.core.audit.note import parse_note, seal
from ringfence.errors import IntegrityError, RequestError

# From C2SP tlog-checkpoint.
SAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def test_the_sample_of_the_specification_is_read() -> None:
    checkpoint = parse_checkpoint(parse_note(SAMPLE).text)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20852163, base64.b64decode(ROOT))
    assert SAMPLE.startswith(checkpoint_text(checkpoint))


@pytest.mark.parametrize(
    "text",
    [
        f"log\n1\n{ROOT}",
        f"log\n1\n{ROOT}\nextension\n",
        f"log\n1\n{ROOT}\n\n",
        f"\n1\n{ROOT}\n",
        f"log\n\n{ROOT}\n",
        f"log\n01\n{ROOT}\n",
        f"log\n+1\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"log\n1_000\n{ROOT}\n",
        f"log\n 1\n{ROOT}\n",
        f"log\n1.0\n{ROOT}\n",
        f"log\n١\n{ROOT}\n",
        f"log\n{2**63}\n{ROOT}\n",
        f"log\n{'9' * 5000}\n{ROOT}\n",
        f"log\n1\n{ROOT[:-1]}\n",
        f"log\n1\n{ROOT}=\n",
        f"log\n1\n{ROOT[:-2]}J=\n",
        f"log\n1\n {ROOT}\n",
        "log\n1\nAAAA\n",
        "log\n1\n\n",
        "log\n1\n",
        "",
    ],
    ids=range(22),
)
def test_what_is_not_exactly_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_checkpoint(text)


ORIGINS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="+"), min_size=1, max_size=12)
CHECKPOINTS = st.builds(Checkpoint, ORIGINS, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))


@given(CHECKPOINTS)
def test_what_is_signed_is_read_back(checkpoint: Checkpoint) -> None:
    text = checkpoint_text(checkpoint)
    note = seal(text, checkpoint.origin, PUBLIC, KEY.sign(text.encode()))
    assert open_checkpoint(note, checkpoint.origin, PUBLIC) == checkpoint


@given(st.text())
def test_every_accepted_text_is_rendered_as_it_was(text: str) -> None:
    for candidate in (text, f"log\n{text}\n{ROOT}\n", f"{text}\n7\n{ROOT}\n", f"log\n7\n{text}\n"):
        try:
            checkpoint = parse_checkpoint(candidate)
        except RequestError:
            continue
        assert checkpoint_text(checkpoint) == candidate


@pytest.mark.requirement("I12")
def test_a_checkpoint_of_another_log_is_not_ours_even_under_our_key() -> None:
    text = checkpoint_text(Checkpoint("other", 1, bytes(32)))
    note = seal(text, "log", PUBLIC, KEY.sign(text.encode()))
    with pytest.raises(IntegrityError):
        open_checkpoint(note, "log", PUBLIC)
    with pytest.raises(IntegrityError):
        open_checkpoint(note, "other", PUBLIC)


@pytest.mark.requirement("I12")
def test_a_checkpoint_with_a_size_of_its_own_choosing_does_not_open() -> None:
    text = checkpoint_text(Checkpoint("log", 12, bytes(32)))
    note = seal(text, "log", PUBLIC, KEY.sign(text.encode()))
    with pytest.raises(IntegrityError):
        open_checkpoint(note.replace("\n12\n", "\n11\n"), "log", PUBLIC)
