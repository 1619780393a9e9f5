"""Messages to addresses that an account's owner names: one POST, no redirect, within one deadline."""

import ssl

import h11

from minipic.domain.notices import NotDelivered
from minipic.errors import BadRequest, SourceNotFound
from minipic.sources.deadlines import Deadline
from minipic.sources.hosts import PublicHosts
from minipic.sources.lookups import Resolve, system_resolve
from minipic.sources.targets import Target

_TAKES = (
    "A webhook's URL begins with https://, names a public host in ASCII and port 443 or none, and holds no user name, "
    "blank or backslash. MINIPIC_SOURCE_ALLOW opens other hosts and ports, and http:// there."
)


class HttpSender:
    """Posts to https on public addresses; ``allow`` opens single hosts and ports as for sources, http too."""

    def __init__(
        self, allow: frozenset[str] = frozenset(), timeout_s: float = 10.0, resolve: Resolve = system_resolve
    ) -> None:
        self._hosts = PublicHosts(allow, resolve)
        self._timeout_s = timeout_s

    def check(self, url: str) -> None:
        """BadRequest unless the text of a URL is fit for ``post``."""
        self._target(url)

    def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Send a body and return when it was taken, by a status from 200 to 299; NotDelivered for everything else."""
        deadline = Deadline(self._timeout_s)
        try:
            target = self._target(url)
            with self._hosts.conversation(target, deadline) as conversation:
                status = conversation.post(target, headers, body).status_code
        except (BadRequest, SourceNotFound) as error:
            raise NotDelivered("its host was not found or is not public, or its URL is not acceptable") from error
        except TimeoutError as error:
            raise NotDelivered(f"no answer within {self._timeout_s:g} seconds") from error
        except ssl.SSLError as error:
            raise NotDelivered("no connection that can be trusted") from error
        except OSError as error:
            raise NotDelivered("no connection") from error
        except h11.ProtocolError as error:
            raise NotDelivered("an answer that is not valid HTTP") from error
        if not 200 <= status <= 299:  # a redirect too: it may lead where the owner never pointed
            raise NotDelivered(f"status {status}")

    def _target(self, url: str) -> Target:
        try:
            target = self._hosts.target(url)
        except SourceNotFound as error:
            raise BadRequest(_TAKES) from error
        if target.scheme != "https" and not target.is_listed:
            raise BadRequest(_TAKES)
        return target
