"""Where an image comes from: the request's own bytes, an address, or an upload; and what is not taken in."""

import json
from dataclasses import asdict, dataclass

from minipic.domain.identifiers import created_ms, is_result_id
from minipic.domain.image import ImageFormat, Options
from minipic.domain.options import shown
from minipic.errors import BadRequest, ContentBlocked, SourceNotFound
from minipic.service import Caller, Engine, Services
from minipic.service.access import check_size, expected_plan

UPLOAD_LIFETIME_MS = 3600 * 1000


@dataclass(frozen=True, slots=True)
class Url:
    """A public address."""

    url: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came through /v1/uploads."""

    id: str


Source = bytes | Url | Upload


@dataclass(frozen=True, slots=True)
class Taken:
    """An image that was taken in."""

    image: bytes
    format: ImageFormat


def parse_source(body: bytes) -> Url | Upload:
    """Return the source that a JSON body names: ``{"source": {"url": …}}`` or ``{"source": {"upload": …}}``."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("The body says that it is JSON, and is none.") from None
    if not isinstance(fields, dict) or list(fields) != ["source"] or not isinstance(fields["source"], dict):
        raise BadRequest('The body takes {"source": {"url": "https://…"}} or {"source": {"upload": "…"}}.')
    match fields["source"]:
        case {"url": str(url), **others} if not others:
            return Url(url)
        case {"upload": str(upload_id), **others} if not others:
            return Upload(upload_id)
    raise BadRequest(f"`source` takes either `url` or `upload`, a text each; {shown(fields['source'])} is neither.")


def named(source: Source) -> bytes | str:
    """Return what tells this source from others: its own bytes, or one line of JSON that names it."""
    return source if isinstance(source, bytes) else json.dumps(asdict(source))


def refuse_no_image(engine: Engine, source: Source) -> None:
    """UnsupportedMediaType for bytes that are no image: before anything is admitted."""
    if isinstance(source, bytes):
        engine.sniff(source)


def take_in(services: Services, engine: Engine, caller: Caller, source: Source) -> Taken:
    """Return the image, for a caller who was admitted: what is fetched counts against the rate."""
    image = _load(services, caller, source)
    check_size(services, caller, len(image))
    image_format = engine.sniff(image)
    if services.screening.blocks_bytes(image):
        raise ContentBlocked
    return Taken(image, image_format)


def _load(services: Services, caller: Caller, source: Source) -> bytes:
    if isinstance(source, bytes):
        return source
    max_bytes = expected_plan(services, caller).max_bytes
    if isinstance(source, Url):
        return services.sources.fetch(source.url, max_bytes)
    image = None
    if is_result_id(source.id) and services.now_ms() - created_ms(source.id) < UPLOAD_LIFETIME_MS:
        image = services.uploads.take(source.id, caller.owner.account_id, max_bytes)
    if image is None:
        raise SourceNotFound("There is no upload with this id, or its file has not arrived. Ask /v1/uploads again.")
    return image


def screened(services: Services, options: Options) -> Options:
    """Return the options with a fingerprint asked for, where screening looks at pictures."""
    return options.with_fingerprint() if services.screening.looks else options


def refuse_blocked_look(services: Services, fingerprint: str) -> None:
    """ContentBlocked when screening knows the picture by its look."""
    if fingerprint and services.screening.blocks_look(fingerprint):
        raise ContentBlocked
