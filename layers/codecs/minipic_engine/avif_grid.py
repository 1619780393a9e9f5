"""A large AVIF as a grid of tiles: an encoder holds many times what it is given, and this is a small part of it.

The format knows grids, and every decoder puts them together; no viewer tells them from one picture.
"""

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from minipic.domain.image import ImageFormat

from . import avif_boxes, effort, heif_facts
from .header import Header
from .isobmff import Box, Item, Meta, item_bytes, read_meta

_TILE_SIDE = 2_560
_AT_ONCE = 2
_OF_A_TILE = frozenset({b"ispe", b"pixi", b"av1C"})
_OF_THE_WHOLE = frozenset({b"pixi", b"colr"})

Size = tuple[int, int]
_Property = tuple[bytes, bytes]


def encoded(image: Image.Image, encode: Callable[[Image.Image], bytes], icc: bytes | None) -> bytes:
    """Return ``image`` as grids of tiles, one of its colours and one of its transparency; raises ImageTooComplex.

    ``encode`` makes an AVIF of each tile, in L or RGB; it is called in threads.
    """
    columns, rows = (-(-side // _TILE_SIDE) for side in image.size)
    width, height = -(-image.width // columns), -(-image.height // rows)
    size = width + width % 2, height + height % 2  # even, as subsampled colours need it
    places = [(left * size[0], top * size[1]) for top in range(rows) for left in range(columns)]
    grid = _Grid()
    for place in range(2 if "A" in image.getbands() else 1):
        tiles: list[bytes] = []
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for first in range(0, len(places), _AT_ONCE):
                some = [_tile(image, at, size) for at in places[first : first + _AT_ONCE]]
                tiles += threads.map(encode, [_plane(tile, is_transparency=place > 0) for tile in some])
                effort.check()
        grid.add_grid(tiles, (columns, rows), image.size, is_transparency=place > 0)
    return avif_boxes.still(bytes(grid.data), grid.found, grid.meta, Header(ImageFormat.AVIF, *image.size), icc, b"")


def _plane(tile: Image.Image, *, is_transparency: bool) -> Image.Image:
    if is_transparency:
        return tile.getchannel("A")
    return tile.convert("RGB") if tile.mode == "RGBA" else tile


def _tile(image: Image.Image, place: Size, size: Size) -> Image.Image:
    """Return the tile at ``place``; what lies beyond the picture repeats its edge, which costs the fewest bytes."""
    right, bottom = min(image.width, place[0] + size[0]), min(image.height, place[1] + size[1])
    tile = image.crop((*place, right, bottom))
    if tile.size == size:
        return tile
    beyond = ((0, size[1] - tile.height), (0, size[0] - tile.width), (0, 0))
    pixels = np.asarray(tile)
    return Image.fromarray(np.pad(pixels, beyond[: pixels.ndim], mode="edge"))


class _Grid:
    """The file in the making: the bytes of all items, and what a meta box will say of them."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.found: dict[bytes, Box] = {}
        self.meta = Meta(primary=1)
        self._places: dict[_Property, int] = {}

    def add_grid(self, tiles: list[bytes], shape: Size, size: Size, *, is_transparency: bool) -> None:
        """Add an item for the whole, and one for each of its tiles, which are AVIFs of one item."""
        found = heif_facts.top_level(tiles[0])
        metas = [read_meta(tile, heif_facts.top_level(tile)[b"meta"]) for tile in tiles]
        if not self.data:
            start = found[b"ftyp"]
            self.data += tiles[0][start.start : start.end]
            self.found[b"ftyp"] = Box(b"ftyp", 0, 8, len(self.data))
        purpose: list[_Property] = [(b"auxC", bytes(4) + avif_boxes.ALPHA_TYPES[0])] if is_transparency else []
        extent = (b"ispe", bytes(4) + struct.pack(">II", *size))
        shared = [one for one in _described(metas[0]) if one[0] in _OF_THE_WHOLE]
        layout = struct.pack(">BBBBHH", 0, 0, shape[1] - 1, shape[0] - 1, *size)
        whole = self._add(b"grid", layout, [extent, *shared, *purpose])
        parts = [
            self._add(b"av01", item_bytes(tile, meta, meta.items[meta.primary]),
                      [*(one for one in _described(meta) if one[0] in _OF_A_TILE), *purpose])
            for tile, meta in zip(tiles, metas, strict=True)
        ]  # fmt: skip
        self.meta.references.append((b"dimg", whole, tuple(parts)))
        if is_transparency:
            self.meta.references.append((b"auxl", whole, (self.meta.primary,)))

    def _add(self, kind: bytes, content: bytes, properties: list[_Property]) -> int:
        """Add an item and return its number."""
        number = len(self.meta.items) + 1
        item = Item(kind, extents=[(len(self.data), len(content))])
        for one in properties:
            if one not in self._places:
                self.meta.properties.append(one)
                self._places[one] = len(self.meta.properties)
            item.properties.append((self._places[one], one[0] == b"av1C"))
        self.data += content
        self.meta.items[number] = item
        return number


def _described(meta: Meta) -> list[_Property]:
    return [meta.properties[index - 1] for index, _ in meta.items[meta.primary].properties]
