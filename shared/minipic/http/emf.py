"""Metrics on AWS: lines of the embedded metric format in the log, from which CloudWatch makes metrics by itself."""

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from minipic.http.record import Observer, Record

NAMESPACE = "MiniPic"


def emf_observer() -> Observer:
    """Return what writes one line a request, by operation and outcome, on stdout.

    The namespace is what ``POWERTOOLS_METRICS_NAMESPACE`` says, one for each stack, and ``MiniPic`` without it.
    """
    metrics = EphemeralMetrics()
    metrics.namespace = metrics.namespace or NAMESPACE

    def observe(record: Record) -> None:
        metrics.add_dimension("operation", record.operation)
        metrics.add_dimension("outcome", record.outcome)
        metrics.add_metric("Requests", MetricUnit.Count, 1)
        metrics.add_metric("Duration", MetricUnit.Milliseconds, record.duration_ms)
        if "engine" in record.stages_ms:
            metrics.add_metric("EngineDuration", MetricUnit.Milliseconds, record.stages_ms["engine"])
            metrics.add_metric("BytesSaved", MetricUnit.Bytes, record.bytes_saved)
        metrics.flush_metrics()

    return observe
