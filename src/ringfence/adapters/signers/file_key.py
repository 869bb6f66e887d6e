"""An Ed25519 key in a file.

The file is PKCS #8 PEM (RFC 5958, unencrypted) or the raw 32 bytes. It has to be a plain file of this user (or of root) that
nobody else may read: a key that others could have copied proves nothing, so wide modes are refused rather than narrowed.
"""

import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ringfence.core.audit.note import check_key_name
from ringfence.errors import ConfigError, RequestError

RAW_BYTES = 32
_LARGEST_FILE = 16_384
"""Bytes; a PEM file of an Ed25519 key has about 120."""


class FileKeySigner:
    """Signs with a key that was read once. The private half is in no attribute that prints."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        """Raises: ConfigError for a name that signed notes cannot carry."""
        try:
            check_key_name(name)
        except RequestError as error:
            raise ConfigError(f"`{name}` cannot be a key name: {error}") from error
        self._name = name
        self._key = key
        self._public_key = key.public_key().public_bytes_raw()

    @property
    def name(self) -> str:
        return self._name

    @property
    def public_key(self) -> bytes:
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def open_file_key(path: Path, name: str, *, create: bool = False) -> FileKeySigner:
    """The signer of a key file. With `create`, an absent file is made first: whole and durable, or not at all.

    Raises: ConfigError where the file is missing, may be read by others, or holds no Ed25519 key.
    """
    data = _read(path)
    if data is None and create:
        _create(path)
        data = _read(path)
    if data is None:
        raise ConfigError(f"there is no key file {path}", remedy="restore it from a backup, or let the gateway make a new one")
    return FileKeySigner(name, _parse(data, path))


def _read(path: Path) -> bytes | None:
    """The bytes of a key file that passes every check; None where there is no file."""
    try:
        # Without O_NONBLOCK a named pipe in the key's place would hold the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"the key file {path} cannot be opened: {error.strerror}", remedy="give a plain file, no link"
        ) from error
    try:
        # The mode of what was opened, not of whatever the path names a moment later.
        _check_status(os.fstat(descriptor), path)
        data = os.read(descriptor, _LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > _LARGEST_FILE:
        raise ConfigError(f"the key file {path} is larger than {_LARGEST_FILE} bytes")
    return data


def _check_status(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"the key file {path} is not a plain file")
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"the key file {path} belongs to another user (uid {status.st_uid})", remedy=f"chown {os.geteuid()} {path}"
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"the key file {path} may be used by others (mode {mode:04o})",
            remedy=f"chmod 600 {path}, and make a new key if somebody else may have read this one",
        )


def _create(path: Path) -> None:
    """Write a new key beside the path, make it durable, then give it its name, which fails if another was quicker."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(descriptor)
            os.link(draft, path)
        except FileExistsError:
            return
        finally:
            draft.unlink(missing_ok=True)
            _sync_directory(path.parent)
    except OSError as error:
        raise ConfigError(
            f"the key file {path} cannot be made: {error.strerror}", remedy=f"make {path.parent} writable"
        ) from error


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parse(data: bytes, path: Path) -> Ed25519PrivateKey:
    if len(data) == RAW_BYTES:
        return Ed25519PrivateKey.from_private_bytes(data)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"the key file {path} holds no unencrypted PEM key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"the key file {path} holds a key that is not Ed25519", remedy="openssl genpkey -algorithm ed25519")
    return key
