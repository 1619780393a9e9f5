"""Images from public web addresses, under a limit on everything: time, bytes, redirects, headers, look-ups."""

import ssl

import h11

from minipic.errors import SourceNotFound
from minipic.sources.conversations import Conversation, TooLong
from minipic.sources.deadlines import Deadline
from minipic.sources.hosts import PublicHosts
from minipic.sources.lookups import Resolve, system_resolve
from minipic.sources.targets import redirected

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

_NO_TRUST = (
    "The source's host offers no connection that can be trusted: it must speak TLS 1.2 or newer, with a certificate "
    "that is valid for its name."
)
_NO_CONNECTION = "The source's host could not be reached, or closed the connection before the image was complete."
_NO_HTTP = "The source's host sent an incomplete answer, or one that is not valid HTTP with headers of a usual size."
_ENCODED = "The source's host sent the image in a Content-Encoding, although asked for none. Use another address."
_EMPTY = "The source is empty: its host sent no image."


class HttpSources:
    """Fetches images over http and https from ``PublicHosts``, among them what ``allow`` lists."""

    def __init__(
        self,
        allow: frozenset[str] = frozenset(),
        timeout_s: float = 10.0,
        max_redirects: int = 3,
        resolve: Resolve = system_resolve,
    ) -> None:
        self._hosts = PublicHosts(allow, resolve)
        self._timeout_s = timeout_s
        self._max_redirects = max_redirects

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """Return the bytes at a URL, at least one and at most ``max_bytes``; SourceNotFound for every failure."""
        try:
            return self._follow(url, max_bytes, Deadline(self._timeout_s))
        except TooLong as error:
            raise SourceNotFound(f"The source is larger than {max_bytes} bytes. Make it smaller.") from error
        except TimeoutError as error:
            raise SourceNotFound(f"The source did not arrive completely within {self._timeout_s:g} seconds.") from error
        except ssl.SSLError as error:
            raise SourceNotFound(_NO_TRUST) from error
        except OSError as error:
            raise SourceNotFound(_NO_CONNECTION) from error
        except h11.ProtocolError as error:
            raise SourceNotFound(_NO_HTTP) from error

    def _follow(self, url: str, max_bytes: int, deadline: Deadline) -> bytes:
        for _ in range(self._max_redirects + 1):
            target = self._hosts.target(url)
            with self._hosts.conversation(target, deadline) as conversation:
                head = conversation.ask(target)
                if head.status_code not in _REDIRECTS:
                    return _read_image(conversation, head, max_bytes)
            url = redirected(url, _values(head, b"location"))
        raise SourceNotFound(f"The source redirects more than {self._max_redirects} times. Use its final address.")


def _read_image(conversation: Conversation, head: h11.Response, max_bytes: int) -> bytes:
    if head.status_code != 200:
        raise SourceNotFound(f"The source's host answered with status {head.status_code} instead of an image.")
    if any(value.lower() != b"identity" for value in _values(head, b"content-encoding")):
        raise SourceNotFound(_ENCODED)  # unpacked, a small answer may become a huge one
    if any(int(value) > max_bytes for value in _values(head, b"content-length")):
        raise TooLong
    image = conversation.read_body(max_bytes)
    if not image:
        raise SourceNotFound(_EMPTY)
    return image


def _values(head: h11.Response, name: bytes) -> list[bytes]:
    return [value for header, value in head.headers if header == name]
