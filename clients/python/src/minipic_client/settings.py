"""Which service, and with which key: the environment first, then what `minipic login` put into the keyring.

A key in the keyring belongs to one address and is used with no other.
"""

from __future__ import annotations

import importlib
import os
import re
from typing import Protocol, cast
from urllib.parse import urlsplit

from minipic_client.errors import BadSetting

DEFAULT_URL = "https://api.minipic.cn"
KEY_VARIABLE = "MINIPIC_API_KEY"
URL_VARIABLE = "MINIPIC_URL"
KEYRING_SERVICE = "minipic"
URL_ENTRY = "address"
NO_KEYRING = (
    f"There is no keyring on this machine that a key could be kept in. Set {KEY_VARIABLE} in the environment instead."
)
BROKEN_KEYRING = (
    f"The keyring of this machine cannot be used: unlock it, or set {KEY_VARIABLE} and {URL_VARIABLE} instead."
)
_KEY = re.compile(r"[!-~]{8,200}")


class _Keyring(Protocol):
    def get_password(self, service: str, entry: str) -> str | None: ...
    def set_password(self, service: str, entry: str, secret: str) -> None: ...
    def delete_password(self, service: str, entry: str) -> None: ...


def checked_key(text: str) -> str:
    """Return the key without blanks around it; BadSetting, which does not repeat it, if it cannot be one."""
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise BadSetting("This cannot be a key: keys begin with mp_live_ or mp_test_ and are of letters and digits.")
    return key


def checked_url(text: str) -> str:
    """Return the service's address without a slash at its end; BadSetting if it is none."""
    try:
        parts = urlsplit(text.strip())
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.username is not None or parts.query or parts.fragment:
        raise BadSetting("The service's address must look like https://img.example.com, without a name or a password.")
    return text.strip().rstrip("/")


def service_url() -> str:
    """Return the address from the environment, from the last login, or the default; BadSetting."""
    return checked_url(os.environ.get(URL_VARIABLE) or _kept(URL_ENTRY) or DEFAULT_URL)


def service_key(url: str) -> str:
    """Return the key for this address from the environment or the keyring; BadSetting where there is none."""
    key = os.environ.get(KEY_VARIABLE) or _kept(url)
    if not key:
        raise BadSetting(f"There is no key for {url}: run `minipic login`, or set {KEY_VARIABLE}.")
    return checked_key(key)


def keep_login(url: str, key: str) -> None:
    """Put address and key into the keyring; BadSetting where there is none, or it is locked."""
    try:
        keyring = _keyring()
        keyring.set_password(KEYRING_SERVICE, url, key)
        keyring.set_password(KEYRING_SERVICE, URL_ENTRY, url)
    except Exception as error:  # backends raise what they like, and may quote what they were given
        raise BadSetting(NO_KEYRING if _is_missing(error) else BROKEN_KEYRING) from None


def forget_login(url: str) -> bool:
    """Remove the address and its key from the keyring; tell whether there was a key; BadSetting if it is locked."""
    had_key = bool(_kept(url))
    for entry in [url, URL_ENTRY]:
        if _kept(entry):
            try:
                _keyring().delete_password(KEYRING_SERVICE, entry)
            except Exception:
                raise BadSetting(BROKEN_KEYRING) from None
    return had_key


def _kept(entry: str) -> str:
    """Return what the keyring holds, "" where nothing is kept or there is no keyring at all.

    A locked or broken one is a BadSetting: it may hold the address of another service than the default one, and
    pictures must not go there instead.
    """
    try:
        return _keyring().get_password(KEYRING_SERVICE, entry) or ""
    except Exception as error:  # backends raise what they like, and may quote what they hold
        if _is_missing(error):
            return ""
        raise BadSetting(BROKEN_KEYRING) from None


def _is_missing(error: Exception) -> bool:
    """Tell whether an error says that this machine has no keyring, and not that something is wrong with one."""
    if isinstance(error, ImportError):
        return error.name == "keyring"
    return isinstance(error, importlib.import_module("keyring.errors").NoKeyringError)


def _keyring() -> _Keyring:
    return cast("_Keyring", importlib.import_module("keyring"))  # slow to load, and most calls have the environment
