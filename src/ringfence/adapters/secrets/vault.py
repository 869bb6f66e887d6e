"""Secrets in HashiCorp Vault or OpenBao, KV version 2, over HTTP: `vault:MOUNT/PATH#FIELD`.

API: GET /v1/MOUNT/data/PATH with `X-Vault-Token` (developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version).
Nothing of an answer is ever quoted: it may hold the secret.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ringfence.adapters.secrets.text import secret_of
from ringfence.adapters.web.client import WebClient
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.secrets import Secret, SecretRef

ANSWER_S = 5.0
MOST_BYTES = 1024 * 1024

_MEANING = {
    400: "the request was not understood",
    403: "the token may not read it, or has expired",
    404: "there is no such secret",
    429: "too many requests",
    503: "the vault is sealed or in maintenance",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultOptions:
    """One vault. `token` is asked for at each read, so that a renewed one is used at once."""

    address: str
    """`https://vault.example:8200`, without a path."""
    token: Callable[[], Awaitable[Secret]] = field(repr=False)
    namespace: str = ""
    answer_s: float = ANSWER_S


class VaultSecrets:
    """Implements `ports.secrets.SecretSource`. Use inside one running loop."""

    def __init__(self, options: VaultOptions) -> None:
        self._options = options
        self._client = WebClient("the vault", options.answer_s)

    async def read(self, ref: SecretRef) -> Secret:
        mount, path, wanted = _parts(ref)
        headers = {"X-Vault-Token": (await self._options.token()).reveal(), "X-Vault-Request": "true"}
        if self._options.namespace:
            headers["X-Vault-Namespace"] = self._options.namespace
        url = f"{self._options.address.rstrip('/')}/v1/{quote(mount)}/data/{quote(path)}"
        body = await self._get(ref, url, headers)
        try:
            answer: Any = parse_strict(body)
            value = answer["data"]["data"][wanted]
        except (RequestError, KeyError, TypeError):
            raise UnavailableError(f"the secret {ref} has no field `{wanted}`, or was deleted") from None
        if not isinstance(value, str):
            raise UnavailableError(f"the field `{wanted}` of the secret {ref} is not text")
        return secret_of(ref, value.encode("utf-8", "surrogatepass"))

    async def close(self) -> None:
        await self._client.close()

    async def _get(self, ref: SecretRef, url: str, headers: dict[str, str]) -> bytes:
        try:
            answer = await self._client.get(url, headers, most=MOST_BYTES)
        except UnavailableError as error:
            raise UnavailableError(f"the secret {ref} cannot be had: {error}") from None
        if answer.status != 200:
            why = _MEANING.get(answer.status, f"it answered {answer.status}")
            raise UnavailableError(f"the vault did not give the secret {ref}: {why}")
        return answer.body


def _parts(ref: SecretRef) -> tuple[str, str, str]:
    """Mount, path, field."""
    where, _, wanted = ref.name.partition("#")
    mount, _, path = where.partition("/")
    steps = path.split("/")
    if not mount or not path or not wanted or any(step in ("", ".", "..") for step in steps):
        raise UnavailableError(f"the secret {ref} cannot be read", remedy="write it as `vault:MOUNT/PATH#FIELD`")
    return mount, path, wanted
