"""The pages for people, and where the documentation's script and style come from."""

import functools
import importlib.util
import mimetypes
from pathlib import Path

from minipic.errors import NotFound

_FOLDER = Path(__file__).parent
# Swagger UI's own files, as PyPI's fastapi-offline ships them; nothing is fetched from anywhere when a page is read.
_DOCS_ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css")

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@functools.cache
def page(name: str) -> bytes:
    """Return a page of this folder by its file name."""
    return (_FOLDER / name).read_bytes()


@functools.cache
def docs_asset(name: str) -> tuple[bytes, str]:
    """Return a file of the documentation page and its media type; NotFound for any other name."""
    package = importlib.util.find_spec("fastapi_offline") if name in _DOCS_ASSETS else None
    if package is None or package.origin is None:
        raise NotFound
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return (Path(package.origin).parent / "static" / name).read_bytes(), media_type
