"""What every signer keeps. Subclass it in a test file and say how to make one."""

from abc import ABC, abstractmethod

from ringfence.core.audit.note import check_key_name, open_note, parse_note, seal
from ringfence.ports.signer import Signer


class SignerContract(ABC):
    """The promises of `ringfence.ports.signer.Signer`."""

    @abstractmethod
    def signer(self) -> Signer:
        """A signer that can sign."""

    def test_the_name_can_stand_in_a_signed_note(self) -> None:
        check_key_name(self.signer().name)

    def test_the_public_key_has_32_bytes_and_stays_the_same(self) -> None:
        signer = self.signer()
        assert len(signer.public_key) == 32
        assert signer.public_key == signer.public_key

    def test_a_note_that_it_signs_opens_with_its_public_key(self) -> None:
        signer = self.signer()
        for text in ("log\n0\n", "Überschrift\n\nmit Leerzeile\n"):
            signature = signer.sign(text.encode())
            assert len(signature) == 64
            note = seal(text, signer.name, signer.public_key, signature)
            assert open_note(parse_note(note), signer.name, signer.public_key) == text

    def test_signatures_are_deterministic_and_bound_to_the_message(self) -> None:
        signer = self.signer()
        assert signer.sign(b"one\n") == signer.sign(b"one\n")
        assert signer.sign(b"one\n") != signer.sign(b"two\n")

    def test_the_private_key_is_not_shown(self) -> None:
        signer = self.signer()
        assert not [shown for shown in (repr(signer), str(signer)) if "private" in shown.lower()]
