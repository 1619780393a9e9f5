"""The JSON that endpoints answer with, as models: one place for the OpenAPI document and the code."""

from pydantic import BaseModel, Field

SCORE = "The SSIMULACRA2 that was reached, 100 for identical pixels; null where it was not measured"


class ShrinkInput(BaseModel):
    """What was sent."""

    size: int = Field(description="Bytes", examples=[207565])
    type: str = Field(examples=["image/jpeg"])


class ShrinkOutput(BaseModel):
    """What came out, and where it is."""

    size: int = Field(description="Bytes", examples=[63669])
    type: str = Field(examples=["image/jpeg"])
    width: int = Field(examples=[530])
    height: int = Field(examples=[300])
    ratio: float = Field(description="Output / input", examples=[0.3067])
    score: float | None = Field(description=SCORE, examples=[80.42])
    url: str = Field(description="Opens without a key, unless the operator switched links off")
    expires_at: str = Field(examples=["2026-11-23T10:00:00Z"])
    download_url: str = Field(description="Straight from the storage, where there is such a link; else as `url`")


class ShrinkAnswer(BaseModel):
    """The answer of `POST /shrink`."""

    input: ShrinkInput
    output: ShrinkOutput


class UploadAnswer(BaseModel):
    """The answer of `POST /v1/uploads`: post `fields`, then the file as `file`, to `url` as multipart/form-data."""

    upload: str = Field(description='Name it later as `{"source": {"upload": …}}`')
    url: str
    fields: dict[str, str]
    expires_in: int = Field(description="Seconds", examples=[600])


class FreeQuota(BaseModel):
    """The month's free images."""

    limit: int = Field(examples=[500])
    used: int = Field(examples=[12])
    remaining: int = Field(examples=[488])
    resets_at: str = Field(examples=["2026-12-01T00:00:00Z"])


class PackAnswer(BaseModel):
    """A credit pack; the first purchased is the first used."""

    id: str
    purchased_at: str = Field(examples=["2026-11-02T09:30:00Z"])
    size: int = Field(examples=[1000])
    remaining: int = Field(examples=[700])


class Credits(BaseModel):
    """What is left of all packs."""

    remaining: int = Field(examples=[1200])
    packs: list[PackAnswer]


class Limits(BaseModel):
    """What the plan allows; rates are a key's."""

    max_bytes: int = Field(examples=[5242880])
    max_pixels: int = Field(examples=[100000000])
    rate_per_second: int = Field(examples=[10])
    burst: int = Field(examples=[20])
    concurrency: int = Field(examples=[20])


class UsageAnswer(BaseModel):
    """The answer of `GET /v1/usage`."""

    month: str = Field(examples=["2026-11"])
    plan: str = Field(examples=["free"])
    count: int = Field(description="Images counted this month", examples=[12])
    free: FreeQuota
    credits: Credits
    by_operation: dict[str, int] = Field(examples=[{"shrink": 9, "derive": 2, "compress": 1}])
    bytes_in: int
    bytes_out: int
    limits: Limits


class LedgerLine(BaseModel):
    """A billed image, a sandbox call (0 images), a purchase or a correction, and the balances after it."""

    seq: int = Field(description="Counts up without a gap", examples=[42])
    time: str = Field(examples=["2026-11-22T10:00:02Z"])
    operation: str = Field(examples=["shrink"])
    key: str = Field(description="The key's name")
    result: str
    bytes_in: int
    bytes_out: int
    images: int = Field(examples=[1])
    drawn_from: str = Field(description="`plan`, a pack's id, or empty", examples=["plan"])
    free_remaining: int
    credits_remaining: int
    credits: int = Field(description="What a purchase or a correction added; negative for what it took away")
    reason: str = Field(description="Why a correction was made")
    format: str = Field(
        description="The input's format; empty where there is none or it is not known", examples=["jpeg"]
    )


class LedgerAnswer(BaseModel):
    """The answer of `GET /v1/ledger`."""

    lines: list[LedgerLine]
    cursor: str | None = Field(description="Asks for the next page; null on the last")
