"""The JSON of GET /api/v1/usage and /api/v1/stats."""

from collections.abc import Mapping

from pydantic import BaseModel, Field

from minipic.domain.metering import next_month
from minipic.domain.statement import month_text
from minipic.service.stats import Stats

SAVED = "Input less output; negative where conversions made files larger"


class Period(BaseModel):
    """The current month, in UTC."""

    month: str = Field(examples=["2026-11"])
    resets_at: str = Field(description="When the free images come back", examples=["2026-12-01T00:00:00Z"])


class Quota(BaseModel):
    """What is left."""

    limit: int = Field(description="Free images a month", examples=[500])
    used: int = Field(description="Free images used this month", examples=[12])
    remaining: int = Field(description="Free images left this month", examples=[488])
    credits_remaining: int = Field(description="Images left of all credit packs", examples=[1200])
    total_remaining: int = Field(description="Images left, free ones and credits", examples=[1688])


class TrendMonth(BaseModel):
    """One month; all zeros where no image was counted."""

    month: str = Field(examples=["2026-11"])
    images: int = Field(description="Images counted", examples=[12])
    bytes_in: int = Field(examples=[2490780])
    bytes_out: int = Field(examples=[764028])
    bytes_saved: int = Field(description=SAVED, examples=[1726752])


class ImageType(BaseModel):
    """Images of one input type over the 12 months."""

    type: str = Field(examples=["image/jpeg"])
    images: int = Field(examples=[9])
    share_percent: float = Field(description="Of the images listed here, 2 decimals", examples=[75.0])


class Compression(BaseModel):
    """What compression has done over the 12 months."""

    images: int = Field(description="Images that the bytes are of", examples=[12])
    original_bytes: int = Field(examples=[2490780])
    optimized_bytes: int = Field(examples=[764028])
    bytes_saved: int = Field(description=SAVED, examples=[1726752])
    average_ratio_percent: float = Field(
        description="Bytes saved, in percent of the original ones, 2 decimals; 0 without images", examples=[69.33]
    )


class StatsData(BaseModel):
    """An account over the last 12 months. Sandbox calls count nowhere."""

    plan: str = Field(examples=["free"])
    period: Period
    quota: Quota
    monthly_trend: list[TrendMonth] = Field(
        description="12 months, oldest first, the current one last. Its bytes may lack what came in the last seconds",
        min_length=12,
        max_length=12,
    )
    image_types: list[ImageType] = Field(
        description="Most images first; without those whose type the ledger does not know"
    )
    compression: Compression
    by_operation: dict[str, int] = Field(
        description="Images over the 12 months by what was done", examples=[{"shrink": 9, "optimize": 3}]
    )


class StatsAnswer(BaseModel):
    """The answer of `GET /api/v1/usage` and `GET /api/v1/stats`."""

    success: bool = Field(examples=[True])
    data: StatsData


def stats_json(stats: Stats) -> StatsAnswer:
    """Return an account's last twelve months, as the API tells them."""
    account, total = stats.account, stats.total
    saved = total.bytes_in - total.bytes_out
    return StatsAnswer(
        success=True,
        data=StatsData(
            plan=account.plan,
            period=Period(
                month=month_text(stats.month), resets_at=f"{month_text(next_month(stats.month))}-01T00:00:00Z"
            ),
            quota=_quota(stats),
            monthly_trend=[_trend_month(stats, month) for month in stats.months],
            image_types=_image_types(total.formats),
            compression=Compression(
                images=sum(total.images.values()),
                original_bytes=total.bytes_in,
                optimized_bytes=total.bytes_out,
                bytes_saved=saved,
                average_ratio_percent=_percent(saved, total.bytes_in),
            ),
            by_operation=dict(total.images),
        ),
    )


def _quota(stats: Stats) -> Quota:
    account = stats.account
    used = account.free_used.get(stats.month, 0)
    remaining = max(0, account.free_limit - used)
    credits_remaining = account.credits_bought - account.credits_drawn
    return Quota(
        limit=account.free_limit,
        used=used,
        remaining=remaining,
        credits_remaining=credits_remaining,
        total_remaining=remaining + credits_remaining,
    )


def _trend_month(stats: Stats, month: int) -> TrendMonth:
    sums = stats.sums.get(month)
    bytes_in, bytes_out = (sums.bytes_in, sums.bytes_out) if sums else (0, 0)
    return TrendMonth(
        month=month_text(month),
        images=stats.account.images.get(month, 0),
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        bytes_saved=bytes_in - bytes_out,
    )


def _image_types(formats: Mapping[str, int]) -> list[ImageType]:
    known = sum(formats.values())
    return [
        ImageType(type=f"image/{name}", images=images, share_percent=_percent(images, known))
        for name, images in sorted(formats.items(), key=lambda item: (-item[1], item[0]))
    ]


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
