"""The JSON that endpoints answer with, as models: one place for the OpenAPI document and the code."""

from pydantic import BaseModel, Field


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
    url: str = Field(description="Opens without a key, unless the operator switched links off")
    expires_at: str = Field(examples=["2026-11-23T10:00:00Z"])
    download_url: str = Field(description="Straight from the storage, where there is such a link; else as `url`")


class ShrinkAnswer(BaseModel):
    """The answer of `POST /shrink`."""

    input: ShrinkInput
    output: ShrinkOutput
