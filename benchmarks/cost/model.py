"""What images cost on AWS: arithmetic on list prices, on what an image takes, and on the calls that a request makes."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

FOLDER = Path(__file__).parent
IMAGES = 1000  # that a cost is told for
GB = 10**9
HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600

PIXEL_FUNCTION_GB = 3008 / 1024
SMALL_FUNCTION_GB = 512 / 1024
SNAPPED_GB = 4 * PIXEL_FUNCTION_GB + 1 + 9 * SMALL_FUNCTION_GB  # of all functions, whose snapshots are kept

# Nobody measured these on AWS. They are waits that a function is billed for, chosen on the long side.
SHRINK_WAITS_S = 0.15  # two writes of an item, two objects stored, the body's base64
COMPRESS_WAITS_S = 0.05
DOWNLOAD_S = 0.06
PROJECTOR_S = 0.02  # for a line: a batch has up to a hundred
LOG_BYTES = 3000  # for a request: our line, the metrics' line, the platform's three, the gateway's
STORED_DAYS = 2

FARGATE_GB_A_CORE = 4
FARGATE_BUSY = 0.5  # of a core's time, below the 60 % that scaling aims at


@dataclass(frozen=True, slots=True)
class Prices:
    """List prices in US dollars; ``as_of`` and ``region`` say of when and where."""

    as_of: str
    region: str
    lambda_gb_second: float
    lambda_request: float
    snapstart_cache_gb_second: float
    api_gateway_request: float
    dynamodb_write_unit: float
    dynamodb_read_unit: float
    s3_put: float
    s3_get: float
    s3_gb_month: float
    transfer_out_gb: float
    logs_gb: float
    fargate_vcpu_hour: float
    fargate_gb_hour: float
    balancer_hour: float
    balancer_unit_hour: float
    public_address_hour: float


@dataclass(frozen=True, slots=True)
class Calls:
    """What one request asks of the stores, its line of the ledger included.

    Writes and reads are DynamoDB's units: an item below 1 KB is written for one, in a transaction for two, and read for
    one up to 4 KB. Puts and gets are of objects.
    """

    writes: int = 0
    reads: int = 0
    puts: int = 0
    gets: int = 0
    ledger_writes: int = 0
    ledger_reads: int = 0


# A warm process that knows the key: tests count these calls.
SHRINK = Calls(writes=2, puts=2, ledger_writes=5)
COMPRESS = Calls(writes=2, ledger_writes=5)
DERIVE = Calls(writes=2, gets=2, puts=1, ledger_writes=5)
DOWNLOAD_BY_KEY = Calls(reads=1, gets=1)
DOWNLOAD_BY_LINK = Calls(gets=1)


@dataclass(frozen=True, slots=True)
class Image:
    """What an average image takes: seconds of one core, and bytes."""

    cpu_s: float
    bytes_in: float
    bytes_out: float


def read_prices(path: Path = FOLDER / "prices.json") -> Prices:
    """Return the prices of a file; KeyError or TypeError when one is missing or unknown."""
    return Prices(**json.loads(path.read_text()))


def calls_cost(calls: Calls, prices: Prices) -> float:
    """Return what the stores charge for the calls of one request."""
    return (
        (calls.writes + calls.ledger_writes) * prices.dynamodb_write_unit
        + (calls.reads + calls.ledger_reads) * prices.dynamodb_read_unit
        + calls.puts * prices.s3_put
        + calls.gets * prices.s3_get
    )


def function_cost(duration_s: float, memory_gb: float, prices: Prices) -> float:
    """Return what one invocation costs."""
    return duration_s * memory_gb * prices.lambda_gb_second + prices.lambda_request


def on_lambda(image: Image, prices: Prices) -> dict[str, dict[str, float]]:
    """Return the cost of 1 000 images by part, for each way of asking: ``/shrink`` and download, ``/v1/compress``.

    A function is taken to work as long as a core of the measuring machine did: the engine's parts are mostly of one
    thread, and 3 008 MB are 1.7 cores.
    """
    projector = function_cost(PROJECTOR_S, SMALL_FUNCTION_GB, prices) - prices.lambda_request
    kept = (image.bytes_in + image.bytes_out) / GB * prices.s3_gb_month * STORED_DAYS / 30
    shrink = {
        "functions": function_cost(image.cpu_s + SHRINK_WAITS_S, PIXEL_FUNCTION_GB, prices)
        + function_cost(DOWNLOAD_S, SMALL_FUNCTION_GB, prices)
        + projector,
        "gateway": 2 * prices.api_gateway_request,
        "stores": calls_cost(SHRINK, prices) + calls_cost(DOWNLOAD_BY_KEY, prices) + kept,
        "transfer": image.bytes_out / GB * prices.transfer_out_gb,
        "logs": 2 * LOG_BYTES / GB * prices.logs_gb,
    }
    compress = {
        "functions": function_cost(image.cpu_s + COMPRESS_WAITS_S, PIXEL_FUNCTION_GB, prices) + projector,
        "gateway": prices.api_gateway_request,
        "stores": calls_cost(COMPRESS, prices),
        "transfer": image.bytes_out / GB * prices.transfer_out_gb,
        "logs": LOG_BYTES / GB * prices.logs_gb,
    }
    return {"shrink and download": _of_1000(shrink), "compress": _of_1000(compress)}


def on_fargate(image: Image, prices: Prices) -> dict[str, dict[str, float]]:
    """Return the cost of 1 000 images by part in the large lane while its tasks are half busy."""
    core_hour = prices.fargate_vcpu_hour + FARGATE_GB_A_CORE * prices.fargate_gb_hour
    core = image.cpu_s / FARGATE_BUSY / 3600 * core_hour
    kept = (image.bytes_in + image.bytes_out) / GB * prices.s3_gb_month * STORED_DAYS / 30
    shrink = {
        "tasks": core,
        "balancer": (image.bytes_in + image.bytes_out) / GB * prices.balancer_unit_hour,  # a unit is 1 GB an hour
        "stores": calls_cost(SHRINK, prices) + calls_cost(DOWNLOAD_BY_KEY, prices) + kept,
        "transfer": image.bytes_out / GB * prices.transfer_out_gb,
        "logs": 2 * LOG_BYTES / GB * prices.logs_gb,
    }
    compress = shrink | {"stores": calls_cost(COMPRESS, prices), "logs": LOG_BYTES / GB * prices.logs_gb}
    return {"shrink and download": _of_1000(shrink), "compress": _of_1000(compress)}


def fixed_a_month(prices: Prices) -> dict[str, float]:
    """Return what is paid in a month in which no image comes."""
    two_tasks = 4 * (prices.fargate_vcpu_hour + FARGATE_GB_A_CORE * prices.fargate_gb_hour) * HOURS_A_MONTH
    return {
        "snapshots": SNAPPED_GB * prices.snapstart_cache_gb_second * SECONDS_A_MONTH,
        "large lane": two_tasks + (prices.balancer_hour + 4 * prices.public_address_hour) * HOURS_A_MONTH,
    }


def images_where_tasks_are_cheaper(image: Image, prices: Prices) -> float:
    """Return from how many images a month on the large lane, all of it, costs less than functions."""
    saved = sum(on_lambda(image, prices)["compress"].values()) - sum(on_fargate(image, prices)["compress"].values())
    idle = fixed_a_month(prices)["large lane"]
    included = 4 * FARGATE_BUSY * SECONDS_A_MONTH / image.cpu_s  # images that the two tasks of two cores do anyway
    core_cost = on_fargate(image, prices)["compress"]["tasks"]
    few = idle / (saved + core_cost) * IMAGES
    return few if few <= included else (idle - included / IMAGES * core_cost) / saved * IMAGES


def _of_1000(parts: dict[str, float]) -> dict[str, float]:
    return {name: cost * IMAGES for name, cost in parts.items()}


def price_rows(prices: Prices) -> list[tuple[str, float]]:
    """Return every price by its name."""
    return [
        (field.name, getattr(prices, field.name)) for field in fields(prices) if field.name not in ("as_of", "region")
    ]
