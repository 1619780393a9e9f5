"""A process that does what Lambda does with the queues of jobs: receive, call the handler, delete what is done.

Its clock runs fast, so that a lease of two minutes ends within seconds. It runs until it is killed.
"""

import sys
import time
from dataclasses import replace
from typing import Any

from functions.optimize_worker import app

from minipic import wiring
from minipic.stores.aws.clients import make_sqs_client

SPEED = 40
HIDDEN_S = 4  # longer than a lease by this clock, as the template's time-out is by the real one


def fast_clock(started_ms: int) -> int:
    """Return the time since ``started_ms``, which every process is told, at this process's speed."""
    return started_ms + (time.time_ns() // 1_000_000 - started_ms) * SPEED


def main(started_ms: int, queue_urls: list[str]) -> None:
    """Work on what the queues bring, in turn."""
    settings = wiring.settings()
    services = replace(wiring.services(), now_ms=lambda: fast_clock(started_ms))
    wiring.services = lambda: services  # type: ignore[assignment]
    sqs = make_sqs_client(settings.aws.region, settings.aws.endpoint_url)
    arns = {url: _arn(sqs, url) for url in queue_urls}
    print("ready", flush=True)
    while True:
        for url, arn in arns.items():
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=HIDDEN_S)
            for message in answer.get("Messages", []):
                record = {"messageId": message["MessageId"], "body": message["Body"], "eventSourceARN": arn}
                failed: Any = app.handler({"Records": [record]}, None)
                if not failed["batchItemFailures"]:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _arn(sqs: Any, url: str) -> str:
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
