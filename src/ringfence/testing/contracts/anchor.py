"""What every `Anchor` promises.

class TestMyAnchor(AnchorContract):
    @pytest.fixture
    async def anchor(self): ...
    @pytest.fixture
    def kept(self): ...         # a function that gives the notes that are kept there, oldest first
    @pytest.fixture
    def broken(self): ...       # an anchor of the same kind whose place is not there
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text
from ringfence.core.audit.note import seal
from ringfence.errors import UnavailableError
from ringfence.ports.anchor import Anchor
from ringfence.testing.fakes.signer import FakeSigner


def a_head(size: int) -> tuple[str, Checkpoint]:
    signer = FakeSigner()
    checkpoint = Checkpoint(signer.name, size, bytes([size]) * 32)
    text = checkpoint_text(checkpoint)
    return seal(text, signer.name, signer.public_key, signer.sign(text.encode())), checkpoint


class AnchorContract:
    """Tests of keeping heads."""

    async def test_heads_are_kept_in_order_as_they_are(self, anchor: Anchor, kept: Callable[[], list[str]]) -> None:
        for size in (1, 2, 5):
            await anchor.keep(*a_head(size))
        assert kept() == [a_head(size)[0] for size in (1, 2, 5)]

    async def test_keeping_one_again_is_harmless(self, anchor: Anchor, kept: Callable[[], list[str]]) -> None:
        await anchor.keep(*a_head(3))
        await anchor.keep(*a_head(3))
        assert set(kept()) == {a_head(3)[0]}
        await anchor.keep(*a_head(4))
        assert kept()[-1] == a_head(4)[0]

    async def test_a_place_that_is_not_there_is_unavailable(self, broken: Anchor) -> None:
        with pytest.raises(UnavailableError) as caught:
            await broken.keep(*a_head(1))
        assert "s3cret" not in str(caught.value)

    async def test_its_name_shows_no_credential(self, anchor: Anchor, broken: Anchor) -> None:
        assert anchor.name
        assert "s3cret" not in anchor.name + broken.name
