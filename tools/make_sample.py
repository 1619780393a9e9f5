"""Draw docs/images/sample.jpg, the picture of the first curl line: hills at dusk, with a camera's grain."""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 1500, 1000
LAYERS = ((0.52, 90, (122, 92, 128)), (0.63, 70, (84, 62, 104)), (0.74, 60, (48, 40, 76)), (0.86, 50, (22, 22, 44)))


def draw() -> Image.Image:
    """Return the picture, the same every time."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    height = (y / HEIGHT)[..., None]
    sky = np.array([44, 62, 112]) * (1 - height) + np.array([250, 168, 112]) * height
    distance = np.hypot(x - 0.68 * WIDTH, y - 0.45 * HEIGHT)[..., None]
    picture = sky + 120 * np.exp(-((distance / 260) ** 2)) * np.array([1.0, 0.8, 0.5])
    picture = np.where(distance < 64, np.array([255.0, 238.0, 196.0]), picture)
    for level, swing, colour in LAYERS:
        ridge = np.full(WIDTH, level * HEIGHT)
        for octave in range(1, 8):
            phase = random.uniform(0, 2 * np.pi)
            ridge += swing / octave**1.4 * np.sin(x[0] / WIDTH * 2 * np.pi * octave * 1.3 + phase)
        ridge += np.cumsum(random.normal(0, 0.7, WIDTH))
        depth = np.clip((y - ridge) / 260, 0, 1)[..., None]
        hill = np.array(colour) * (1 - 0.45 * depth)
        trees = random.normal(0, 9, (HEIGHT, WIDTH, 1)) * (1 - depth)
        picture = np.where((y > ridge)[..., None], hill + trees, picture)
    picture += random.normal(0, 3.5, (HEIGHT, WIDTH, 1)) + random.normal(0, 1.5, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "docs" / "images" / "sample.jpg"
    draw().save(target, quality=93, subsampling=0)
    print(target, target.stat().st_size)
