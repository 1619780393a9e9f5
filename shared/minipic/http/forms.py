"""Files in multipart forms, as browsers and curl's -F send them."""

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from minipic.errors import BadRequest

MAX_FIELDS = 20
_PREAMBLE_BYTES = 64


def announces_form(request: Request) -> bool:
    """Tell whether the header says that the body is a multipart form. Old clients say so, without a boundary."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    return media_type.strip().lower() == "multipart/form-data" and "boundary=" in parameters.lower()


def is_form(request: Request, body: bytes) -> bool:
    """Tell whether the body really is the multipart form that its header announces.

    Old clients announce one over the image's raw bytes.
    """
    return announces_form(request) and body[:_PREAMBLE_BYTES].lstrip(b"\r\n").startswith(b"--")


async def file_of_form(request: Request, body: bytes) -> bytes:
    """Return the only file of the form, whatever its field is named; BadRequest for another number of files."""

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, chunks(), max_files=1, max_fields=MAX_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:  # a charset that is none is a ValueError
        raise BadRequest("The multipart form is damaged, or holds more than one file.") from error
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if len(files) != 1:
            raise BadRequest("The multipart form takes one file; it holds none.")
        return await files[0].read()
    finally:
        await form.close()
