"""GIF's frames: each is unpacked alone by Pillow, and laid on the canvas as the format's description has it."""

import io
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minipic.errors import DecodeError

from . import gif_blocks
from .header import Header
from .picture import decoding

_CLEAR, _RESTORE = 2, 3

Canvas = NDArray[np.uint8]


def frames(data: bytes, header: Header) -> Iterator[Image.Image]:
    """Yield what is shown at each frame, as RGBA; raises DecodeError."""
    canvas: Canvas = np.zeros((header.height, header.width, 4), np.uint8)
    for block, control in stored_frames(data):
        disposal = control[0] >> 2 & 7
        kept = canvas.copy() if disposal == _RESTORE else canvas
        left, top, width, height = struct.unpack_from("<HHHH", data, block.start + 1)
        place = canvas[top : top + height, left : left + width]
        with decoding():
            pixels = np.asarray(unpacked(data, block, control).convert("RGBA"))
        np.copyto(place, pixels, where=pixels[..., 3:] > 0)
        del pixels
        # A film's frame must not share its memory with the next one.
        yield Image.fromarray(canvas.copy() if header.is_animated else canvas)
        if disposal == _CLEAR:
            place[:] = 0
        canvas = kept


def stored_frames(data: bytes) -> Iterator[tuple[gif_blocks.Block, bytes]]:
    """Yield each frame's block, and what the block before it says of how it is shown."""
    control = bytes(4)
    for block in gif_blocks.blocks(data):
        if block.label == gif_blocks.CONTROL and len(block.content) >= 4:
            control = block.content
        elif block.label == 0:
            yield block, control
            control = bytes(4)


def unpacked(data: bytes, block: gif_blocks.Block, control: bytes) -> Image.Image:
    """Return one frame's own pixels: as a GIF of nothing else. Raises DecodeError."""
    screen, frame = data[6 : gif_blocks.screen_end(data)], data[block.start : block.end]
    size = struct.unpack_from("<HH", frame, 5)
    head = b"GIF89a" + struct.pack("<HH", *size) + screen[4:]
    opacity = bytes([0x21, 0xF9, 4, control[0] & 1, 0, 0, control[3], 0])
    alone = head + opacity + b"," + bytes(4) + frame[5:] + b";"
    with decoding():
        if not all(size):
            raise DecodeError("The GIF is damaged: a side of a frame is 0 pixels.")
        image = Image.open(io.BytesIO(alone), formats=["GIF"])
        image.load()
        return image
