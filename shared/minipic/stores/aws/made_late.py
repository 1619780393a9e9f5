"""What takes long to make is made at its first use: whoever never opens the bucket has no client for it."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


def made_late(make: Callable[[], T]) -> T:
    """Return what stands in for ``make()``, and calls it once, when an attribute is asked for first."""
    return cast("T", _Late(make))


class _Late:
    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made_once = threading.Lock()
        self._made: object | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the thing that is made has
        with self._made_once:
            if self._made is None:
                self._made = self._make()
        attribute = getattr(self._made, name)
        setattr(self, name, attribute)  # found at once the next time
        return attribute
