"""Compresses images in child processes.

A user of this package needs three names: ``sniff`` (what format are these bytes), ``EnginePool`` (compress them,
elsewhere) and ``EngineFault`` (a bug of ours, not of the image). Importing it loads no codec: those live in the
children, which import ``minipic_engine.pipeline``.
"""

from .child import EngineFault
from .children import EnginePool
from .sniff import sniff

__all__ = ["EngineFault", "EnginePool", "sniff"]
