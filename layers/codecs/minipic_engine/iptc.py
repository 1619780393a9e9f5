"""IPTC's records (IIM), as press photos carry them: the few that are read. They are never written."""

from .kept import NOTHING, Kept, tidy_copyright, tidy_time

MAX_IPTC_BYTES = 64 * 1024
PHOTOSHOP = b"Photoshop 3.0\0"
_RESOURCE, _RECORDS = b"8BIM", 0x0404
_APPLICATION = 2
_CREATED_DATE, _CREATED_TIME, _COPYRIGHT = 55, 60, 116
_MAX_RESOURCES = 500


def records_in(resources: bytes) -> bytes:
    """Return the records among Photoshop's resources, of which each has a name, a length and padding to even."""
    at = 0
    for _ in range(_MAX_RESOURCES):
        if resources[at : at + 4] != _RESOURCE or at + 7 > len(resources):
            return b""
        number, name_bytes = int.from_bytes(resources[at + 4 : at + 6], "big"), resources[at + 6]
        at += 6 + (name_bytes + 2) // 2 * 2
        length = int.from_bytes(resources[at : at + 4], "big")
        if number == _RECORDS:
            return resources[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
    return b""


def swapped_back(records: bytes) -> bytes:
    """Return a TIFF tag's records in their order: some programs declare them as numbers, and swap the bytes of four."""
    if len(records) % 4 == 0 and records[:1] != b"\x1c" and records[3:4] == b"\x1c":
        return b"".join(records[at : at + 4][::-1] for at in range(0, len(records), 4))
    return records


def find(records: bytes) -> Kept:
    """Return what the records hold of the kinds that may be kept, as far as they are sound."""
    found: dict[int, str] = {}
    at = 0
    if len(records) > MAX_IPTC_BYTES:
        return NOTHING
    while records[at : at + 1] == b"\x1c" and at + 5 <= len(records):
        record, number, length = records[at + 1], records[at + 2], int.from_bytes(records[at + 3 : at + 5], "big")
        if length >= 0x8000:
            break  # a length of a length, for megabytes: nothing that is read here
        if record == _APPLICATION:
            found.setdefault(number, _text(records[at + 5 : at + 5 + length]))
        at += 5 + length
    return Kept(copyright=tidy_copyright(found.get(_COPYRIGHT, "")), creation=_time(found))


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _time(found: dict[int, str]) -> str:
    date, clock = found.get(_CREATED_DATE, ""), found.get(_CREATED_TIME, "")
    if len(date) != 8 or not date.isdigit():
        return ""
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if len(clock) >= 6 and clock[:6].isdigit():
        return tidy_time(f"{day}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}") or tidy_time(day)
    return tidy_time(day)
