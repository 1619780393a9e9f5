"""Metrics on one machine: what Prometheus reads from GET /metrics."""

from ipaddress import ip_address

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from minipic.errors import NotFound
from minipic.http.limits import Gate
from minipic.http.record import Record

PATH = "/metrics"
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


class Meters:
    """Counts requests, seconds and bytes; no account, key or id is ever a label."""

    def __init__(self, gate: Gate) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        by = ("operation", "method", "status")
        self._requests = Counter("minipic_requests", "Requests answered", by, registry=registry)
        self._durations = Histogram(
            "minipic_request_duration_seconds", "From the head to the answer", ("operation",),
            buckets=_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self._stages = Counter("minipic_stage_seconds", "Where requests spent time", ("stage",), registry=registry)
        self._bytes = Counter("minipic_bytes", "Bytes in, out, and saved", ("direction",), registry=registry)
        in_work = Gauge("minipic_body_places_taken", "Places for bodies that are taken", registry=registry)
        in_work.set_function(lambda: gate.taken)

    def observe(self, record: Record) -> None:
        """Count one request."""
        self._requests.labels(record.operation, record.method, str(record.status or record.outcome)).inc()
        self._durations.labels(record.operation).observe(record.duration_ms / 1000)
        for stage, spent_ms in record.stages_ms.items():
            self._stages.labels(stage).inc(spent_ms / 1000)
        self._bytes.labels("in").inc(record.bytes_in)
        self._bytes.labels("out").inc(record.bytes_out)
        self._bytes.labels("saved").inc(record.bytes_saved)


def metrics_router(meters: Meters) -> APIRouter:
    """Return GET /metrics, for clients on this machine. Through a proxy, or from elsewhere, it does not exist."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def get_metrics(request: Request) -> Response:
        if not _is_local(request):
            raise NotFound
        return Response(generate_latest(meters.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _is_local(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
