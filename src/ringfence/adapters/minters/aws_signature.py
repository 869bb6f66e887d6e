"""The signature of one POST to AWS.

Source: AWS Signature Version 4 ("Create a signed AWS API request"), for a request with no query.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ringfence.core.model.identifiers import Millis
from ringfence.ports.secrets import Secret

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs, and where it counts."""

    key_id: Secret
    secret: Secret
    token: Secret | None
    region: str
    service: str

    def headers(self, host: str, path: str, headers: Mapping[str, str], body: bytes, now: Millis) -> dict[str, str]:
        """The headers of a POST with those that sign it. `host` is sent as `Host`, and `path` is as it stands in the request.

        `headers` have lower-case names and values without white space at either end.
        """
        at = datetime.fromtimestamp(now // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        sent = {**headers, "host": host, "x-amz-date": at}
        if self.token is not None:
            sent["x-amz-security-token"] = self.token.reveal()
        names = ";".join(sorted(sent))
        lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
        request = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{at[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = f"{_ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(at[:8]), to_sign.encode(), "sha256").hex()
        credential = f"{self.key_id.reveal()}/{scope}"
        sent["authorization"] = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return sent

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret.reveal()}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key
