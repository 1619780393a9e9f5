from tests.e2e.server import Server
from tests.e2e.wire import METERED, call, count, shrink
from tests.pictures import padded_png, tiny_png

FREE_LIMIT_BYTES = 5 * 1024**2


def test_an_account_and_key_made_while_the_service_runs_work_at_once(service: Server) -> None:
    """A key from the admin command opens the running service, and the account's count is seen from both sides."""
    account = service.new_account()
    key = service.new_key(account=account)
    shrink(service, key, tiny_png())
    assert service.admin("accounts", "show", account)["images_this_month"] == 1


def test_a_disabled_key_is_refused_on_the_next_request(service: Server) -> None:
    """A key that just worked is 401 on the next request once it was disabled, and works again once enabled."""
    account = service.new_account()
    made = service.admin("keys", "create", account)
    key = made["key"]
    location = shrink(service, key, tiny_png())["Location"]
    service.admin("keys", "disable", made["id"])
    assert call(service, "POST", "/shrink", key, body=tiny_png()).error == "Unauthorized"
    assert call(service, "POST", "/v1/compress", key, body=tiny_png()).error == "Unauthorized"
    assert call(service, "GET", location, key).error == "Unauthorized"
    assert service.admin("keys", "list", account)["keys"][0]["enabled"] is False
    service.admin("keys", "enable", made["id"])
    assert call(service, "GET", location, key).status == 200


def test_a_suspended_account_is_refused_until_it_is_resumed(service: Server) -> None:
    """Suspending an account makes its next request a 403, with the metered headers; resuming undoes that."""
    account = service.new_account()
    key = service.new_key(account=account)
    shrink(service, key, tiny_png())
    service.admin("accounts", "suspend", account)
    refused = call(service, "POST", "/shrink", key, body=tiny_png())
    assert (refused.status, refused.error) == (403, "AccountSuspended")
    assert refused.names >= METERED
    service.admin("accounts", "resume", account)
    assert shrink(service, key, tiny_png())["Compression-Count"] == "2"


def test_another_plan_holds_from_the_next_request(service: Server) -> None:
    """An image above 5 MB is 413 on the free plan and accepted right after set-plan to paid."""
    account = service.new_account()
    key = service.new_key(account=account)
    large = padded_png(FREE_LIMIT_BYTES + 1)
    refused = call(service, "POST", "/shrink", key, body=large)
    assert (refused.status, refused.error, refused.json["max_bytes"]) == (413, "PayloadTooLarge", FREE_LIMIT_BYTES)
    assert "5 MB" in refused.json["message"]
    service.admin("accounts", "set-plan", account, "paid")
    shrink(service, key, large)


def test_a_granted_pack_makes_a_free_account_paid(service: Server) -> None:
    """Granting a pack adds its images and lifts the size limit; the same reference again grants nothing more."""
    account = service.new_account()
    key = service.new_key(account=account)
    large = padded_png(FREE_LIMIT_BYTES + 1)
    assert call(service, "POST", "/shrink", key, body=large).status == 413
    for _ in range(2):
        granted = service.admin("packs", "grant", account, "1000", "--reference", "invoice-1")
        assert (granted["plan"], granted["credits_remaining"]) == ("paid", 1000)
    assert shrink(service, key, large)["Compression-Count-Remaining"] == "1499"


def test_exactly_the_free_limit_is_accepted(service: Server, key: str) -> None:
    """An image of exactly 5 MiB is within the free plan."""
    shrink(service, key, padded_png(FREE_LIMIT_BYTES))


def test_a_sandbox_key_compresses_without_a_count(service: Server) -> None:
    """A sandbox key runs the real pipeline and leaves Compression-Count as it is, for every key of the account."""
    account = service.new_account()
    sandbox, live = service.new_key(test=True, account=account), service.new_key(account=account)
    assert sandbox.startswith("mp_test_")
    assert shrink(service, sandbox, tiny_png())["Compression-Count"] == "0"
    assert count(service, live) == 0


def test_a_sandbox_key_of_a_paid_account_has_the_free_plans_limit(service: Server) -> None:
    """A sandbox key is refused above 5 MB whatever its account pays for."""
    key = service.new_key(plan="paid", test=True)
    assert call(service, "POST", "/shrink", key, body=padded_png(FREE_LIMIT_BYTES + 1)).status == 413


def test_the_sixth_key_is_refused(service: Server) -> None:
    """An account has at most five keys; the admin command says so and ends with an error."""
    account = service.new_account()
    for _ in range(5):
        service.new_key(account=account)
    assert len(service.admin("keys", "list", account)["keys"]) == 5
    assert "5 keys" in service.admin_error("keys", "create", account)
