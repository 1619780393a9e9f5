"""MiniPic: image compression as a service, on one machine or on AWS."""

__version__ = "0.1.0"
