"""When certificates, keys and tokens end, as far as files and references say it without asking anybody."""

from __future__ import annotations

import base64
import binascii
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from ringfence.app.config.settings import Loaded
from ringfence.app.doctor.facts import Ending, Unseen
from ringfence.app.doctor.reading import ABSENT, read_bytes
from ringfence.app.doctor.references import every_reference
from ringfence.core.model.identifiers import Millis
from ringfence.core.scan.redactor import Redactor
from ringfence.ports.secrets import MAX_SECRET_BYTES, SecretRef

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{4,}\.([A-Za-z0-9_-]{4,})\.[A-Za-z0-9_-]*")
"""A JSON web token; what it claims is in the middle (RFC 7519)."""
_PEM: Final = b"-----BEGIN CERTIFICATE-----"
_MOST: Final = 100
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999."""


def endings(loaded: Loaded, environment: Mapping[str, str], redactor: Redactor, unseen: list[Unseen]) -> Iterator[Ending]:
    """Every end that could be read; what could not be is added to `unseen`."""
    for what, path in _certificate_files(loaded):
        data = _read(path, unseen)
        if data is not None:
            yield from _of_certificates(what, str(path), data, unseen)
    for issuer in loaded.identity.issuers:
        if issuer.file and (data := _read(Path(issuer.file), unseen)) is not None:
            yield from _of_key_set(issuer.file, data, unseen)
    for ref in every_reference(loaded):
        text = _secret(ref, environment)
        if text is not None:
            redactor.learn_lasting([text])
            yield from _of_secret(ref, text, unseen)


def _certificate_files(loaded: Loaded) -> Iterator[tuple[str, Path]]:
    tls = loaded.listen.tls
    if tls is not None:
        yield "The gateway's certificate", tls.cert
        if tls.client_ca is not None:
            yield "The authority of client certificates", tls.client_ca
    for forward in loaded.log.forward:
        if forward.ca is not None:
            yield "The authority of a log receiver", forward.ca


def _of_certificates(what: str, where: str, data: bytes, unseen: list[Unseen]) -> Iterator[Ending]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old encodings, which are not what is looked for
            certificates = x509.load_pem_x509_certificates(data)
            for certificate in certificates[:_MOST]:
                yield _ending(what, where, certificate)
    except ValueError:
        unseen.append(Unseen(what=where, why="it holds no certificate in PEM"))


def _ending(what: str, where: str, certificate: x509.Certificate) -> Ending:
    return Ending(
        what=what,
        where=where,
        since=Millis(int(certificate.not_valid_before_utc.timestamp()) * 1000),
        until=Millis(int(certificate.not_valid_after_utc.timestamp()) * 1000),
    )


def _of_key_set(where: str, data: bytes, unseen: list[Unseen]) -> Iterator[Ending]:
    """Keys of a JWK set (RFC 7517): by their certificate (`x5c`), or by `exp`, which some issuers write."""
    try:
        keys: Any = json.loads(data)["keys"]
        for key in list(keys)[:_MOST]:
            what = f"The issuer's key {str(key.get('kid', ''))[:60]!r}"
            if isinstance(key.get("exp"), int | float):
                yield Ending(what=what, where=where, until=_millis(key["exp"]))
            for encoded in list(key.get("x5c", ()))[:1]:
                yield _ending(what, where, x509.load_der_x509_certificate(base64.b64decode(encoded)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        unseen.append(Unseen(what=where, why="it holds no JWK set"))


def _of_secret(ref: SecretRef, text: str, unseen: list[Unseen]) -> Iterator[Ending]:
    if _PEM in text.encode():
        yield from _of_certificates("A certificate that is kept as a secret", ref.source, text.encode(), unseen)
    elif token := _TOKEN.fullmatch(text.strip()):
        try:
            claims = json.loads(base64.urlsafe_b64decode(token[1] + "=" * (-len(token[1]) % 4)))
            yield Ending(what="A token that is kept as a secret", where=ref.source, until=_millis(claims["exp"]))
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
            return  # no end that could be read


def _millis(seconds: float) -> Millis:
    return Millis(int(min(max(float(seconds), 0), _LAST_SECOND)) * 1000)


def _secret(ref: SecretRef, environment: Mapping[str, str]) -> str | None:
    """The value of what can be read without running or asking anything."""
    if ref.kind == "env":
        return environment.get(ref.name) or None
    if ref.kind != "file":
        return None
    data = read_bytes(Path(ref.folder) / ref.name, MAX_SECRET_BYTES)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else None


def _read(path: Path, unseen: list[Unseen]) -> bytes | None:
    data = read_bytes(path)
    if isinstance(data, bytes):
        return data
    unseen.append(Unseen(what=str(path), why="it is not there" if data == ABSENT else f"it cannot be read ({data})"))
    return None
