"""Other hosts: images that a client names by address, and messages that an account's owner is sent.

Both only with public hosts, never with the network around this service.
"""

from minipic.sources.http_sender import HttpSender
from minipic.sources.http_sources import HttpSources

__all__ = ["HttpSender", "HttpSources"]
