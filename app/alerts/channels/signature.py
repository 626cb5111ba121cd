"""Signatures of webhooks, after the Standard Webhooks specification 1.0 (standardwebhooks.com).

A receiver checks the signature, that the timestamp is near its own clock, and that it has not seen the id: then nobody
can make up, change or repeat a message.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from streams.errors import Misconfigured

TOLERANCE_S: Final = 300
SHORTEST_SECRET: Final = 16
_PREFIX: Final = "whsec_"


def secret_of(text: str) -> bytes:
    """The key in `whsec_BASE64` or in plain text; Misconfigured if it is too short to be one."""
    try:
        secret = (
            base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else text.encode()
        )
    except binascii.Error:
        secret = b""
    if len(secret) < SHORTEST_SECRET:
        raise Misconfigured(
            f"REDCAT_ALERT_SECRET (or alert_secret in redcat.toml) signs webhooks: give it {SHORTEST_SECRET} bytes or "
            f"more, as text or as {_PREFIX} and base64"
        )
    return secret


def sign(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers that go with a body."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{_signature(secret, message_id, str(timestamp_s), body)}",
    }


def verified(secret: bytes, headers: Mapping[str, str], body: bytes, now_s: float) -> str | None:
    """The id of a message whose signature is right and fresh, else None; ids seen before are for the caller to refuse.

    `headers` has their names in lower case.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdecimal() or abs(int(timestamp[:12]) - now_s) > TOLERANCE_S:
        return None
    expected = f"v1,{_signature(secret, message_id, timestamp, body)}"
    given = headers.get("webhook-signature", "").split()
    return message_id if any(hmac.compare_digest(expected.encode(), one.encode()) for one in given) else None


def _signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(secret, signed, sha256)).decode()
