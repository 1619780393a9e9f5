"""Which pictures are measured: folders of the corpus by kind, sampled with a fixed seed, and the recorded pairs."""

import csv
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
_SEED = 2024
_MAX_PIXELS = 4_000_000
_MIN_SIDE = 32
_FILM_CHUNK = b"acTL"
_EIGHT_BIT_MODES = {"L", "LA", "P", "PA", "RGB", "RGBA", "1"}
_EXPECTED_PAIRS_SCORE = 60.0

PHOTOS, CAMERA, GRAPHICS, SCREENS, RECORDINGS, GIFS = (
    "photos", "JPEG photos", "graphics", "screens", "recordings", "small animations",
)  # fmt: skip
_FOLDERS = {
    PHOTOS: ("photos/kodak", "photos/cid22", "photos/clic"),
    CAMERA: ("photos/camera_jpeg_small", "photos/exif_gps", "photos/orientation", "photos/jpeg_variants"),
    GRAPHICS: (
        "graphics/diagrams", "graphics/emoji_alpha", "graphics/flags_alpha", "graphics/illustrations",
        "graphics/libimagequant_like", "graphics/logos", "graphics/pillow_alpha", "graphics/pixel_art",
        "graphics/sharp_fixtures", "graphics/skimage", "graphics/waterloo", "graphics/cid22_misc",
    ),
    SCREENS: ("graphics/ui_screens",),
    RECORDINGS: ("animated/gif_screen",),
    GIFS: ("animated/gif_pillow", "animated/gif_sharp", "animated/gif_libvips", "animated/gif_disposal",
           "animated/gif_photo", "animated/apng_jxl"),
}  # fmt: skip
PARTS = {
    "jpeg": (PHOTOS, CAMERA),
    "webp": (PHOTOS, CAMERA, SCREENS),
    "avif": (PHOTOS, CAMERA),
    "png": (GRAPHICS, SCREENS),
    "gif": (RECORDINGS, GIFS),
    "gif → webp": (RECORDINGS, GIFS),
}
"""The parts of the corpus that each kind of result is measured on."""


@dataclass(frozen=True)
class Source:
    """One file of the corpus."""

    part: str
    path: Path
    pixels: int
    """Of one frame."""
    frames: int

    @property
    def name(self) -> str:
        """Its folder and name."""
        return f"{self.path.parent.name}/{self.path.name}"

    @cached_property
    def data(self) -> bytes:
        """The file."""
        return self.path.read_bytes()

    @cached_property
    def sha256(self) -> str:
        """The file's hash."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Pair:
    """A picture before and after another service: its recorded work."""

    format: str
    before: Source
    after: Source


def is_here() -> bool:
    """Tell whether the corpus lies beside the project."""
    return (CORPUS / "MANIFEST.tsv").is_file()


def sources(part: str, sample: int, max_film_pixels: int) -> list[Source]:
    """Return the files of ``part``: at most ``sample`` of each folder, always the same ones."""
    found: list[Source] = []
    rows = _rows(CORPUS / "MANIFEST.tsv")
    for folder in _FOLDERS[part]:
        fitting = sorted(row["path"] for row in rows if _fits(row, folder, max_film_pixels))
        chosen = random.Random(f"{_SEED} {folder}").sample(fitting, min(sample, len(fitting)))
        by_path = {row["path"]: row for row in rows}
        found += [_source(part, by_path[path]) for path in sorted(chosen)]
    return found


def _source(part: str, row: dict[str, str]) -> Source:
    return Source(part, CORPUS / row["path"], int(row["width"]) * int(row["height"]), _frames(row))


def _frames(row: dict[str, str]) -> int:
    note = row["note"].partition("frames=")[2]
    return int(note.split(";")[0]) if note else 1


def _fits(row: dict[str, str], folder: str, max_film_pixels: int) -> bool:
    """Tell whether a file is one that every tool here reads alike: 8 bits of sRGB, neither tiny nor huge, no APNG."""
    if not row["path"].startswith(folder + "/") or row["mode"] not in _EIGHT_BIT_MODES:
        return False
    if not _is_plain(CORPUS / row["path"], has_profile="ICC" in row["note"]):
        return False
    width, height = int(row["width"]), int(row["height"])
    if folder.startswith("animated/"):
        is_film = row["path"].endswith(".gif") and _frames(row) > 1
        return is_film and min(width, height) >= _MIN_SIDE and width * height * _frames(row) <= max_film_pixels
    return min(width, height) >= _MIN_SIDE and width * height <= _MAX_PIXELS


def _is_plain(path: Path, *, has_profile: bool) -> bool:
    """Tell whether a PNG is no film, and a profile calls itself sRGB, in either way in which profiles spell text."""
    if path.suffix == ".png" and _FILM_CHUNK in path.read_bytes():
        return False
    if not has_profile:
        return True
    with Image.open(path) as image:
        profile = image.info.get("icc_profile", b"")
    return b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def pairs(kind: str, sample: int) -> list[Pair]:
    """Return the recorded pairs of ``kind`` (jpeg, png), at most ``sample``, always the same ones."""
    folder, ending = CORPUS / "tinypng_pairs", {"jpeg": "jpg", "png": "png"}[kind]
    rows = [row for row in _rows(folder / "PAIRS.tsv") if row["fmt"] == ending]
    fitting = [row for row in rows if int(row["width"]) * int(row["height"]) <= _MAX_PIXELS]
    chosen = random.Random(f"{_SEED} pairs").sample(fitting, min(sample, len(fitting)))
    return [_pair(kind, folder, row) for row in sorted(chosen, key=lambda row: row["pair"])]


def _pair(kind: str, folder: Path, row: dict[str, str]) -> Pair:
    pixels = int(row["width"]) * int(row["height"])
    before, after = (
        Source("pairs", folder / f"{row['pair']}.{moment}.{row['ext']}", pixels, 1) for moment in ("before", "after")
    )
    return Pair(kind, before, after)


def is_same_picture(score: float) -> bool:
    """Tell whether the two files of a pair show one picture; by so little their service never misses."""
    return score >= _EXPECTED_PAIRS_SCORE


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(_checked(csv.DictReader(file, delimiter="\t")))


def _checked(rows: Iterator[dict[str, str]]) -> Iterator[dict[str, str]]:
    for row in rows:
        if {"width", "height"} <= row.keys() and row["width"] and row["height"]:
            yield row
