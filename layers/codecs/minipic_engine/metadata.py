"""Finds what a client asks to keep, wherever a file says it."""

from minipic.domain.image import Preserve

from . import exif, iptc, png_texts, xmp
from .kept import Kept, Metadata, tidy_copyright, tidy_time


def find(metadata: Metadata, preserve: frozenset[Preserve]) -> Kept:
    """Return the kinds that ``preserve`` names: as EXIF says them, else PNG's texts, IPTC, XMP."""
    texts = metadata.texts
    plain = Kept(
        copyright=tidy_copyright(texts.get(png_texts.COPYRIGHT, "")),
        creation=tidy_time(texts.get(png_texts.CREATION, "")),
    )
    said = exif.find(metadata.exif).or_else(plain).or_else(iptc.find(metadata.iptc))
    return said.or_else(xmp.find(metadata.xmp)).only(preserve)
