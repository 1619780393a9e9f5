"""What expired is deleted from the data folder, and nothing else."""

from pathlib import Path

from minipic.domain.identifiers import make_result_id
from minipic.domain.image import ImageFormat
from minipic.stores import ResultFacts
from minipic.stores.local.results import FileResults
from minipic.stores.local.uploads import FileUploads

NOW_MS = 1_795_000_000_000
DAY_S = 86_400
FACTS = ResultFacts("account", ImageFormat.PNG, 1, 1)


def test_results(tmp_path: Path) -> None:
    """A day's results and originals go when the last of them has expired; strangers' files stay."""
    results = FileResults(tmp_path)
    result_id = make_result_id(NOW_MS, bytes(14))
    results.put(result_id, FACTS, b"result")
    results.put_original(result_id, b"original")
    (tmp_path / "results" / "notes").mkdir()
    assert results.sweep(NOW_MS + DAY_S * 1000, DAY_S) == 0
    assert results.get(result_id) is not None
    assert results.sweep(NOW_MS + 3 * DAY_S * 1000, DAY_S) == 2
    assert results.get(result_id) is None
    assert results.get_original(result_id) is None
    assert (tmp_path / "results" / "notes").exists()


def test_uploads(tmp_path: Path) -> None:
    """An offer and its file go when both are past their lifetime."""
    uploads = FileUploads(tmp_path)
    upload_id = make_result_id(NOW_MS, bytes(14))
    uploads.offer(upload_id, "account", 10, 600, "http://localhost")
    uploads.receive(upload_id, b"image")
    made_ms = int((tmp_path / upload_id).stat().st_mtime * 1000)
    assert uploads.sweep(made_ms + 1000, 3600) == 0
    assert uploads.take(upload_id, "account", 10) == b"image"
    assert uploads.sweep(made_ms + 3_601_000, 3600) == 2
    assert uploads.take(upload_id, "account", 10) is None
