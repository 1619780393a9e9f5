"""What /proc knows of other processes."""

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the processes that any thread of this one started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for one in lists for child in one.read_text().split())


def is_alive(pid: int) -> bool:
    """Tell whether the process is there, and more than an entry that nobody asked about yet."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def cpu_ticks(pid: int) -> int:
    """Return the time that the process has worked."""
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12])


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
