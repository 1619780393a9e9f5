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
_OF_A_TILE = frozenset({b"ispe", b"pixi", b"av1C", b"auxC"})
_OF_THE_WHOLE = frozenset({b"pixi", b"colr", b"auxC"})

Size = tuple[int, int]


def encoded(image: Image.Image, encode: Callable[[Image.Image], bytes], icc: bytes | None) -> bytes:
    """Return ``image`` as a grid of tiles, each of which ``encode`` makes an AVIF of; raises ImageTooComplex."""
    columns, rows = (-(-side // _TILE_SIDE) for side in image.size)
    width, height = -(-image.width // columns), -(-image.height // rows)
    size = width + width % 2, height + height % 2  # even, as subsampled colours need it
    places = [(left * size[0], top * size[1]) for top in range(rows) for left in range(columns)]
    tiles: list[bytes] = []
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for at in range(0, len(places), _AT_ONCE):
            tiles += threads.map(encode, [_tile(image, place, size) for place in places[at : at + _AT_ONCE]])
            effort.check()
    return _assembled(tiles, (columns, rows), image.size, icc)


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

    def __init__(self, start: bytes) -> None:
        self.data = bytearray(start)
        self.meta = Meta(primary=1)
        self._places: dict[tuple[bytes, bytes], int] = {}

    def add(self, kind: bytes, content: bytes, properties: list[tuple[bytes, bytes]]) -> int:
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


def _assembled(tiles: list[bytes], shape: Size, size: Size, icc: bytes | None) -> bytes:
    start = heif_facts.top_level(tiles[0])[b"ftyp"]
    grid = _Grid(tiles[0][start.start : start.end])
    metas = [read_meta(tile, heif_facts.top_level(tile)[b"meta"]) for tile in tiles]
    layout = struct.pack(">BBBBHH", 0, 0, shape[1] - 1, shape[0] - 1, *size)
    extent = (b"ispe", bytes(4) + struct.pack(">II", *size))
    for place in range(min(len(meta.items) for meta in metas)):  # the colours, and then the transparency, if any
        numbers = [sorted(meta.items)[place] for meta in metas]
        described = _described(metas[0], numbers[0])
        whole = grid.add(b"grid", layout, [extent, *(one for one in described if one[0] in _OF_THE_WHOLE)])
        parts = [
            grid.add(meta.items[number].kind, item_bytes(tile, meta, meta.items[number]),
                     [one for one in _described(meta, number) if one[0] in _OF_A_TILE])
            for tile, meta, number in zip(tiles, metas, numbers, strict=True)
        ]  # fmt: skip
        grid.meta.references.append((b"dimg", whole, tuple(parts)))
        if place:
            grid.meta.references.append((b"auxl", whole, (grid.meta.primary,)))
    header = Header(ImageFormat.AVIF, *size)
    found = {b"ftyp": Box(b"ftyp", 0, 8, start.end - start.start)}
    return avif_boxes._still(bytes(grid.data), found, grid.meta, header, icc, b"")


def _described(meta: Meta, number: int) -> list[tuple[bytes, bytes]]:
    return [meta.properties[index - 1] for index, _ in meta.items[number].properties]
