"""POST /v1/uploads: a form for a file that is too large for one request."""

from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from minipic.service import Caller, Services
from minipic.service.access import check_size
from minipic.service.metered import admitted
from minipic.stores import UploadForm

FORM_LIFETIME_S = 600


@dataclass(frozen=True, slots=True)
class Offer:
    """A form, the id to name the upload by, and how long the form is good."""

    upload_id: str
    form: UploadForm
    expires_in_s: int


def offer_upload(services: Services, caller: Caller, size_bytes: int, base_url: str) -> Offer:
    """Return a form for a file of at most ``size_bytes``; refused as work would be, and counted against the rate."""
    with admitted(services, caller):
        check_size(services, caller, size_bytes)
        upload_id = make_result_id(services.now_ms(), services.entropy(RANDOM_BYTES))
        form = services.uploads.offer(upload_id, caller.owner.account_id, size_bytes, FORM_LIFETIME_S, base_url)
    return Offer(upload_id, form, FORM_LIFETIME_S)
