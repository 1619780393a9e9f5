"""Messages to webhooks, signed as Standard Webhooks says: an HMAC over id, time stamp and body."""

import base64
import hmac
import re
from collections.abc import Callable

from minipic.errors import BadRequest

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")


def make_secret(entropy: Callable[[int], bytes]) -> str:
    """Return a new secret; ``entropy(n)`` gives n random bytes."""
    return SECRET_PREFIX + base64.b64encode(entropy(SECRET_BYTES)).decode()


def parse_secret(text: str) -> str:
    """Return a secret that a client chose: ``whsec_`` and 24 to 64 bytes as base64. BadRequest does not repeat it."""
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True) if _SECRET.fullmatch(text) else b""
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise BadRequest(f"A webhook's secret is `{SECRET_PREFIX}` and 24 to 64 random bytes as base64.")
    return text


def signed_headers(message_id: str, now_s: int, secret: str, body: bytes) -> dict[str, str]:
    """Return the headers of a message; its id is the same at every try, the time stamp is this try's."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signature = hmac.digest(key, f"{message_id}.{now_s}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
