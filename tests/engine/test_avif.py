"""AVIF's files: what is left of a still and of a film when they are written again."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minipic.domain.image import Options, Preserve, Preset
from minipic.errors import DecodeError
from minipic_engine import avif, avif_boxes, avif_film, avif_grid, film, heif_facts, isobmff, kept, metadata, xmp
from minipic_engine.goal import Goal
from minipic_engine.isobmff import Item, Meta, make_box
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress
from minipic_engine.timeline import Timeline
from tests.engine.engine_images import animation, opened, photo, saved, shown, srgb_profile
from tests.engine.viewer import view

STILL = saved(photo(60, 44), "AVIF", quality=80)
FILM = animation("AVIF")
LOSSLESS = Options(quality=Preset.LOSSLESS)
RIGHTS = kept.Kept("© Ada")


def test_brand_of_a_gain_map() -> None:
    """A file whose gain map is left out does not say that it has one, since decoders refuse to open what does."""
    end = int.from_bytes(STILL[:4], "big")
    data = STILL[: end - 4] + b"tmap" + STILL[end:]
    result = avif_boxes.rebuild(data, avif_boxes.read_header(data), None, None)
    assert b"tmap" not in result
    assert opened(result).size == (60, 44)


def test_needless_profile() -> None:
    """A profile that says sRGB is left out, and so is a link to a property that is not there."""
    result = compress(saved(photo(60, 44), "AVIF", icc_profile=srgb_profile()), LOSSLESS).data
    assert "icc_profile" not in opened(result).info
    assert b"prof" not in result
    found = heif_facts.top_level(STILL)
    meta = isobmff.read_meta(STILL, found[b"meta"])
    meta.items[meta.primary].properties += [(0, False), (99, True)]
    header = avif_boxes.read_header(STILL)
    assert np.array_equal(shown(avif_boxes.still(STILL, found, meta, header, None, b"")), shown(STILL))


def test_equal_tiles_stand_in_the_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of one content take its room once, and stay so when the file is packed again."""
    monkeypatch.setattr(avif_grid, "_TILE_SIDE", 64)
    tile = photo(64, 64)
    image = Image.new("RGB", (192, 64))
    for left in (0, 64, 128):
        image.paste(tile, (left, 0))
    alone = avif.encode(Picture(tile), Goal(80)).data
    grid = avif_grid.encoded(image, lambda _: alone, None)
    assert len(grid) < len(alone) + 600
    assert np.array_equal(shown(grid)[:, 64:128], shown(alone))
    again = compress(grid, LOSSLESS)
    assert again.size_bytes <= len(grid)
    assert np.array_equal(shown(again.data), shown(grid))


def test_parts_that_overlap() -> None:
    """Parts that share bytes without being the same could make a small file a very large one: a DecodeError."""
    found = heif_facts.top_level(STILL)
    items = {n: Item(b"av01", extents=[(n, len(STILL) - n)]) for n in (1, 2)}
    meta = Meta(1, items, [], [(b"dimg", 1, (2, 2, 7))])
    with pytest.raises(DecodeError, match="overlap"):
        avif_boxes.still(STILL, found, meta, avif_boxes.read_header(STILL), None, b"")


def test_rights_in_a_film() -> None:
    """A film loses what stands behind its boxes, but for the rights that are asked for."""
    packet = make_box(b"uuid", heif_facts.XMP_BOX + xmp.packet(RIGHTS))
    data = FILM + make_box(b"skip", b"GPS of a secret place") + packet
    plain = compress(data, LOSSLESS).data
    assert b"GPS" not in plain
    assert b"Ada" not in plain
    told = compress(data, replace(LOSSLESS, preserve=frozenset(Preserve))).data
    assert metadata.find(avif.read_metadata(told), frozenset(Preserve)) == RIGHTS
    assert len(view(told).frames) == 4


def test_emptied_film() -> None:
    """What may hold metadata in a film becomes zeros; nothing else moves."""
    holder = make_box(b"moov", make_box(b"udta", b"secret") + make_box(b"mvhd", b"kept")
                      + make_box(b"trak", make_box(b"uuid", b"secret") + make_box(b"tkhd", b"kept")))  # fmt: skip
    data = make_box(b"ftyp", b"avis") + make_box(b"skip", b"secret") + holder + make_box(b"mdat", b"kept")
    made = avif_film.emptied(data)
    assert len(made) == len(data)
    assert b"secret" not in made
    assert made.count(b"kept") == 3
    assert made.endswith(make_box(b"mdat", b"kept"))


def test_film_without_a_main_picture() -> None:
    """A film that is nothing else is packed as one, even of one frame, and decoded."""
    bare = FILM.replace(b"meta", b"free", 1).replace(b"avifavismsf1iso8mif1", b"avisavismsf1iso8iso8")
    assert len(view(compress(bare, LOSSLESS).data).frames) == 4
    single = bare.replace(b"stts\0\0\0\0\0\0\0\4", b"stts\0\0\0\0\0\0\0\1")
    assert not avif_boxes.read_header(single).is_animated
    result = compress(single, LOSSLESS)
    assert np.array_equal(shown(result.data), shown(FILM))


def test_film_that_is_not_described() -> None:
    """A film without a description, of no size or of no picture is a DecodeError; one without times has one frame."""
    entry = FILM.index(b"av01", FILM.index(b"stsd"))
    for broken in (FILM.replace(b"stsd", b"free"), FILM.replace(b"stbl", b"free"),
                   FILM[: entry + 28] + bytes(4) + FILM[entry + 32 :],
                   FILM.replace(b"pict", b"soun").replace(b"meta", b"free")):  # fmt: skip
        with pytest.raises(DecodeError):
            avif_boxes.read_header(broken)
    assert avif_boxes.read_header(FILM.replace(b"stts", b"free")).frames == 1


def test_plays() -> None:
    """A film without an edit, or of no length, is played for ever; one whose edit does not repeat, once."""
    made = avif.encode_frames([Picture(photo(8, 8, seed=seed)) for seed in (1, 2)], Timeline((40, 60), 3), 60)
    edit = made.index(b"elst") + 4
    assert avif_film.read_plays(made) == 3
    assert avif_film.read_plays(made.replace(b"elst", b"free")) == 0
    assert avif_film.read_plays(made[:edit] + bytes(4) + made[edit + 4 :]) == 1
    assert avif_film.read_plays(make_box(b"moov", b"")) == 0
    hollow = make_box(b"hdlr", bytes(8) + b"pict"), make_box(b"elst", bytes(12))
    track = make_box(b"mdia", hollow[0]) + make_box(b"edts", hollow[1]) + make_box(b"tkhd", b"")
    assert avif_film.read_plays(make_box(b"moov", make_box(b"trak", track))) == 0


def test_frames_of_several_modes() -> None:
    """Frames in grey and colour, opaque and not, get one mode that holds all of them."""
    pictures = [Picture(photo(8, 8).convert(mode)) for mode in ("L", "LA", "RGB")]
    assert {picture.image.mode for picture in film.of_one_mode(pictures)} == {"RGBA"}
    assert {picture.image.mode for picture in film.of_one_mode(pictures[:2])} == {"LA"}
    assert film.of_one_mode(pictures[:1]) == pictures[:1]
    made = avif.encode_frames(pictures[1:], Timeline((40, 60), 2), 60)
    assert [avif_film.read_plays(made), view(made).durations] == [2, [40, 60]]


def test_more_frames_than_the_header_says() -> None:
    """An animation that goes on behind the end it gives itself is a DecodeError."""
    with pytest.raises(DecodeError, match="more frames"):
        list(film.frames(FILM, replace(avif_boxes.read_header(FILM), frames=3)))
