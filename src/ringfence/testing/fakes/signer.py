"""A signer with a fixed key, which can be told to fail."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.errors import UnavailableError


class FakeSigner:
    """Real Ed25519 signatures, the same in every test run."""

    def __init__(self, name: str = "ringfence.example/log", seed: bytes = bytes(32)) -> None:
        self._name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.signed: list[bytes] = []
        """Every message that was signed, in order."""
        self.fails = False
        """While true, `sign` raises UnavailableError."""

    @property
    def name(self) -> str:
        return self._name

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        if self.fails:
            raise UnavailableError("the key cannot be used")
        self.signed.append(message)
        return self._key.sign(message)
