"""libwebp's own interface, for what Pillow does not hand on: sharp colours, the loop filter, near-lossless.

The functions are those of the library that Pillow's WebP module is linked to, found through that module, so that there
is one libwebp in the process and no path to guess. They and the layout of both structures are libwebp's public
interface (``webp/encode.h``), which refuses any caller of another major version of it. All calls run without Python's
lock. Trials of several qualities share one conversion to the planes that WebP stores.
"""

import ctypes
from dataclasses import dataclass
from functools import cache
from weakref import finalize

import numpy as np
from numpy.typing import NDArray
from PIL import _webp

from .ssimulacra2 import Pixels

_ABI_VERSION = 0x0210
_DEFAULT_PRESET, _DEFAULT_QUALITY = 0, 75.0
_PLANES_420 = 0
_OUT_OF_MEMORY = (1, 2)
_WITH_ALPHA = 4
_EXACT = 100


def _ints(names: str) -> list[tuple[str, type[ctypes.c_int]]]:
    return [(name, ctypes.c_int) for name in names.split()]


class Config(ctypes.Structure):
    """``WebPConfig``; ``passes`` is its ``pass``."""

    _fields_ = (
        ("lossless", ctypes.c_int),
        ("quality", ctypes.c_float),
        *_ints("method image_hint target_size"),
        ("target_psnr", ctypes.c_float),
        *_ints("segments sns_strength filter_strength filter_sharpness filter_type autofilter alpha_compression"),
        *_ints("alpha_filtering alpha_quality passes show_compressed preprocessing partitions partition_limit"),
        *_ints("emulate_jpeg_size thread_level low_memory near_lossless exact use_delta_palette use_sharp_yuv"),
        *_ints("qmin qmax"),
    )


class _WebPPicture(ctypes.Structure):
    _fields_ = (
        *_ints("use_argb colorspace width height"),
        ("y", ctypes.c_void_p), ("u", ctypes.c_void_p), ("v", ctypes.c_void_p),
        *_ints("y_stride uv_stride"),
        ("a", ctypes.c_void_p), ("a_stride", ctypes.c_int), ("pad1", ctypes.c_uint32 * 2),
        ("argb", ctypes.c_void_p), ("argb_stride", ctypes.c_int), ("pad2", ctypes.c_uint32 * 3),
        ("writer", ctypes.c_void_p), ("custom_ptr", ctypes.c_void_p),
        ("extra_info_type", ctypes.c_int), ("extra_info", ctypes.c_void_p), ("stats", ctypes.c_void_p),
        ("error_code", ctypes.c_int), ("progress_hook", ctypes.c_void_p), ("user_data", ctypes.c_void_p),
        ("pad3", ctypes.c_uint32 * 3), ("pad4", ctypes.c_void_p), ("pad5", ctypes.c_void_p),
        ("pad6", ctypes.c_uint32 * 8), ("memory", ctypes.c_void_p), ("memory_argb", ctypes.c_void_p),
        ("pad7", ctypes.c_void_p * 2),
    )  # fmt: skip


class _MemoryWriter(ctypes.Structure):
    _fields_ = (
        ("mem", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("max_size", ctypes.c_size_t),
        ("pad", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """How to encode with loss: ``quality`` from 0 to 100, ``method`` from 0 (quick) to 6 (small).

    The loop filter at full sharpness smooths less of what is no edge of a block: on photographs 2 % fewer bytes at a
    score of 65, 1 % at 80.
    """

    quality: float
    method: int = 6
    alpha_quality: int = 100
    filter_sharpness: int = 7


@dataclass(frozen=True, slots=True)
class Lossless:
    """How to encode without planes: ``effort`` from 0 to 100, ``method`` from 0 (quick) to 6 (small).

    ``strength`` is 100 for the very pixels; below, libwebp's near-lossless rounds values where it shows least, by one
    bit at 80 and one more for each 20 less, and colours that are fully transparent are lost.
    """

    method: int
    effort: float
    strength: int = _EXACT


QUICKLY, THOROUGHLY = Lossless(0, 0.0), Lossless(4, 80.0)


class Planes:
    """A picture as WebP stores it with loss: brightness, colour at half the resolution, and alpha if there is any.

    ``is_sharp`` halves the colours by libwebp's careful way, which takes half as long as a quick encoding.
    Raises MemoryError.
    """

    def __init__(self, pixels: Pixels, *, is_sharp: bool) -> None:
        self._picture = _imported(pixels)
        finalize(self, library().WebPPictureFree, ctypes.byref(self._picture))
        if is_sharp:
            is_done = library().WebPPictureSharpARGBToYUVA(ctypes.byref(self._picture))
        else:
            is_done = library().WebPPictureARGBToYUVA(ctypes.byref(self._picture), _PLANES_420)
        if not is_done:
            raise MemoryError

    def encoded(self, settings: Settings) -> bytes:
        """Return the picture as a WebP; raises MemoryError, and ValueError where the format can't hold it."""
        return _encoded(self._picture, config(settings))


def config(settings: Settings) -> Config:
    """Return libwebp's words for ``settings``; raises ValueError."""
    made = _default_config(settings.quality)
    made.method = settings.method
    made.alpha_quality = settings.alpha_quality
    made.filter_sharpness = settings.filter_sharpness
    return made


def lossless(pixels: Pixels, how: Lossless) -> bytes:
    """Return ``pixels`` as a lossless WebP. Raises MemoryError, and ValueError for settings that do not exist."""
    made = _default_config(how.effort)
    made.lossless = 1
    made.exact = int(how.strength == _EXACT)  # else libwebp would round nothing
    made.near_lossless = how.strength
    made.method = how.method
    picture = _imported(pixels)
    try:
        return _encoded(picture, made)
    finally:
        library().WebPPictureFree(ctypes.byref(picture))


def _default_config(quality: float) -> Config:
    made = Config()
    if not library().WebPConfigInitInternal(ctypes.byref(made), _DEFAULT_PRESET, _DEFAULT_QUALITY, _ABI_VERSION):
        raise RuntimeError("libwebp has another interface than the one that is known here")
    made.quality = quality
    return made


def _imported(pixels: Pixels) -> _WebPPicture:
    coloured = with_colours(pixels)
    picture = _WebPPicture()
    if not library().WebPPictureInitInternal(ctypes.byref(picture), _ABI_VERSION):
        raise RuntimeError("libwebp has another interface than the one that is known here")
    picture.height, picture.width = coloured.shape[:2]
    picture.use_argb = 1
    channels = coloured.shape[2]
    take = library().WebPPictureImportRGBA if channels == _WITH_ALPHA else library().WebPPictureImportRGB
    if not take(ctypes.byref(picture), coloured.ctypes.data, picture.width * channels):
        raise MemoryError
    return picture


def with_colours(pixels: Pixels) -> NDArray[np.uint8]:
    """Return grey pixels (rows, columns, perhaps alpha) with three equal colours, and others as they are."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    elif pixels.shape[2] == 2:
        pixels = pixels[..., (0, 0, 0, 1)]
    return np.ascontiguousarray(pixels)


def _encoded(picture: _WebPPicture, how: Config) -> bytes:
    if not library().WebPValidateConfig(ctypes.byref(how)):
        raise ValueError("libwebp does not know such settings")
    writer = _MemoryWriter()
    library().WebPMemoryWriterInit(ctypes.byref(writer))
    picture.writer = ctypes.cast(library().WebPMemoryWrite, ctypes.c_void_p)
    picture.custom_ptr = ctypes.addressof(writer)
    try:
        if library().WebPEncode(ctypes.byref(how), ctypes.byref(picture)):
            return ctypes.string_at(writer.mem, writer.size)
    finally:
        library().WebPMemoryWriterClear(ctypes.byref(writer))
    if picture.error_code in _OUT_OF_MEMORY:
        raise MemoryError
    raise ValueError(f"libwebp can't encode this picture: error {picture.error_code}")


@cache
def library() -> ctypes.CDLL:
    """Return libwebp; raises RuntimeError for a Pillow that brings it in another way."""
    found = ctypes.CDLL(_webp.__file__)  # whose dependencies are searched, too
    size, place, whole, real = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int, ctypes.c_float
    kinds = {
        "WebPConfigInitInternal": (whole, place, whole, real, whole),
        "WebPValidateConfig": (whole, place),
        "WebPPictureInitInternal": (whole, place, whole),
        "WebPPictureImportRGB": (whole, place, place, whole),
        "WebPPictureImportRGBA": (whole, place, place, whole),
        "WebPPictureARGBToYUVA": (whole, place, whole),
        "WebPPictureSharpARGBToYUVA": (whole, place),
        "WebPPictureFree": (None, place),
        "WebPEncode": (whole, place, place),
        "WebPMemoryWriterInit": (None, place),
        "WebPMemoryWriterClear": (None, place),
        "WebPMemoryWrite": (whole, place, size, place),
    }
    try:
        for name, (result, *arguments) in kinds.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, tuple(arguments)
    except AttributeError as error:
        raise RuntimeError("Pillow's WebP module does not lead to libwebp's functions") from error
    return found
