"""The time that a job may take."""

import pytest

from minipic.domain.image import ImageFormat, Options
from minipic.errors import ImageTooComplex
from minipic_engine import effort
from minipic_engine.pipeline import compress
from tests.engine.engine_images import photo, saved


def test_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is short, less is tried and the result says so; when it is over, the job ends in words."""
    data = saved(photo(40, 30), "PNG")
    monkeypatch.setattr(effort, "left_s", lambda: 5.0)
    result = compress(data, Options(formats=(ImageFormat.PNG, ImageFormat.JPEG)))
    assert result.reduced_effort
    assert result.format is ImageFormat.JPEG
    monkeypatch.setattr(effort, "left_s", lambda: -1.0)
    with pytest.raises(ImageTooComplex, match="within 20 seconds"):
        compress(data, Options(formats=(ImageFormat.JPEG,)))
    assert not effort.was_reduced()
