"""Header names in the capitals that clients compare, and the headers that every authenticated answer carries."""

import math

from minipic.domain.metering import Standing
from minipic.stores import ResultFacts

_CANONICAL = {
    name.lower().encode(): name.encode()
    for name in (
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Allow",
        "Cache-Control",
        "Compression-Count",
        "Compression-Count-Remaining",
        "Connection",
        "Content-Disposition",
        "Content-Length",
        "Content-Security-Policy",
        "Content-Type",
        "Date",
        "Email-Address",
        "Image-Height",
        "Image-Width",
        "Location",
        "Paying-State",
        "Referrer-Policy",
        "Retry-After",
        "Vary",
        "WWW-Authenticate",
        "X-Content-Type-Options",
        "X-Effort",
        "X-Input-Size",
        "X-Output-Size",
        "X-Quality-Score",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-Ratio",
        "X-Request-Id",
    )
}


def canonical_name(name: bytes) -> bytes:
    """Return a header's name as it goes on the wire: Starlette lower-cases all, one client compares case."""
    return _CANONICAL.get(name.lower(), name)


def metered_headers(standing: Standing | None) -> dict[str, str]:
    """Return the headers that say where the account stands; none before the account was seen."""
    if standing is None:
        return {}
    return {
        "Compression-Count": str(standing.images),
        "Compression-Count-Remaining": str(standing.images_remaining),
        "X-RateLimit-Limit": str(standing.rate_limit),
        "X-RateLimit-Remaining": str(standing.rate_remaining),
        "X-RateLimit-Reset": str(standing.rate_reset_s),
    }


def image_headers(image: ResultFacts) -> dict[str, str]:
    """Return the picture's size in pixels as a viewer shows it."""
    return {"Image-Width": str(image.width), "Image-Height": str(image.height)}


def shown_score(score: float | None) -> float | None:
    """Return a score to 2 decimals, none of them rounded up: a promise that was just missed must not look kept."""
    return None if score is None else math.floor(score * 100) / 100


def ratio(input_size_bytes: int, output_size_bytes: int) -> float:
    """Return output / input to 4 decimals."""
    return round(output_size_bytes / input_size_bytes, 4)
