"""Images that a client names by address: fetched from public hosts, never from the network around this service."""

from minipic.sources.http_sources import HttpSources

__all__ = ["HttpSources"]
