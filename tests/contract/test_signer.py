"""The signer's promises, kept by the fake and by the key file."""

from pathlib import Path

import pytest

from ringfence.adapters.signers.file_key import open_file_key
from ringfence.errors import UnavailableError
from ringfence.ports.signer import Signer
from ringfence.testing.contracts.signer import SignerContract
from ringfence.testing.fakes.signer import FakeSigner


class TestFakeSigner(SignerContract):
    def signer(self) -> Signer:
        return FakeSigner()

    def test_it_fails_when_told_to(self) -> None:
        signer = FakeSigner()
        signer.fails = True
        with pytest.raises(UnavailableError):
            signer.sign(b"x\n")
        assert signer.signed == []


class TestFileKeySigner(SignerContract):
    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.path = tmp_path / "log.key"

    def signer(self) -> Signer:
        return open_file_key(self.path, "ringfence.example/log", create=True)
