"""A client of the image compression service MiniPic.

with Client("mp_live_…", "https://img.example.com") as client:
    result = client.compress(Path("photo.jpg").read_bytes(), Options(format="webp"))
"""

from minipic_client.client import Client, Result, Usage
from minipic_client.errors import (
    BadSetting,
    Busy,
    KeyRefused,
    LimitReached,
    MinipicError,
    ServiceError,
    Stopped,
    Unreachable,
)
from minipic_client.options import BadOption, Options, Resize

__version__ = "0.1.0"
__all__ = [
    "BadOption",
    "BadSetting",
    "Busy",
    "Client",
    "KeyRefused",
    "LimitReached",
    "MinipicError",
    "Options",
    "Resize",
    "Result",
    "ServiceError",
    "Stopped",
    "Unreachable",
    "Usage",
]
