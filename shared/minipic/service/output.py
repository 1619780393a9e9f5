"""GET and HEAD /output/{id}: hand a stored result to its owner, or to whoever holds its link."""

import hmac
from dataclasses import dataclass

from minipic.domain.identifiers import created_ms, is_result_id
from minipic.errors import NotFound, OutputExpired, Unauthorized
from minipic.service import Caller, Services
from minipic.service.keeping import PRESIGNED_LINK_S, hash_link_token
from minipic.stores import StoredResult


@dataclass(frozen=True, slots=True)
class Download:
    """A result to answer with; ``redirect_url`` is set where its bytes are more than one response carries."""

    stored: StoredResult
    redirect_url: str | None = None


def download(services: Services, caller: Caller | None, link_token: str, name: str, want_bytes: bool) -> Download:
    """Return the result that ``name`` (its id, an extension is ignored) stands for.

    The caller's key opens the account's own results, the link token the one it was made for. NotFound for what
    never was an id; OutputExpired for one that is too old, unknown or another account's, never told apart.
    """
    if caller is None and not link_token:
        raise Unauthorized
    result_id = result_id_of(services, name)
    stored = services.results.get(result_id, services.max_response_bytes if want_bytes else 0)
    if stored is None:
        raise OutputExpired
    _check_right(services, caller, link_token, stored)
    if want_bytes and stored.data is None:
        return Download(stored, services.results.presign(result_id, PRESIGNED_LINK_S))
    return Download(stored)


def result_id_of(services: Services, name: str) -> str:
    """Return the id in a path; NotFound for what never was one, OutputExpired for one past its lifetime."""
    result_id = name.partition(".")[0]
    if not is_result_id(result_id):
        raise NotFound
    if services.now_ms() - created_ms(result_id) >= services.result_ttl_s * 1000:
        raise OutputExpired
    return result_id


def _check_right(services: Services, caller: Caller | None, link_token: str, stored: StoredResult) -> None:
    if caller is not None and caller.owner.account_id == stored.facts.account_id:
        return
    link_hash = stored.facts.link_hash
    # Links that were handed out before an operator switched them off are closed with it.
    if services.links_open and link_token and link_hash and hmac.compare_digest(hash_link_token(link_token), link_hash):
        return
    raise Unauthorized if caller is None else OutputExpired
