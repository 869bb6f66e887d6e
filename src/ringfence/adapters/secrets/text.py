"""What bytes count as a secret."""

from ringfence.errors import UnavailableError
from ringfence.ports.secrets import MAX_SECRET_BYTES, Secret, SecretRef


def secret_of(ref: SecretRef, data: bytes) -> Secret:
    """The secret in what a place gave, less the newline that editors and commands end it with. Raises UnavailableError."""
    if len(data) > MAX_SECRET_BYTES:
        raise UnavailableError(f"the secret {ref} is larger than {MAX_SECRET_BYTES} bytes")
    try:
        text = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UnavailableError(f"the secret {ref} is not UTF-8") from None
    if not text:
        raise UnavailableError(f"the secret {ref} is empty")
    if "\0" in text:
        raise UnavailableError(f"the secret {ref} holds a NUL character")
    return Secret(text)
