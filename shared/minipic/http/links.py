"""Addresses in answers: the public base, a result's Location, its link."""

from urllib.parse import urlencode

from fastapi import Request

from minipic.settings import LinkMode, Settings


def base_url(request: Request) -> str:
    """Return the service's public address without a trailing slash.

    It is the setting, or else what the client used: behind API Gateway that includes the stage's path.
    """
    settings: Settings = request.app.state.settings
    if settings.public_url:
        return settings.public_url
    stage_path = ""
    event = request.scope.get("aws.event")
    if event is not None:
        full_path, path = event["requestContext"].get("path", ""), event["path"]
        stage_path = full_path.removesuffix(path) if full_path.endswith(path) else ""
    return f"{request.url.scheme}://{request.url.netloc}{stage_path}"


def location(base: str, settings: Settings, result_id: str, link_token: str) -> str:
    """Return a result's Location: absolute under https, else relative.

    Three official clients take a Location as absolute only when it begins with https.
    """
    query = f"?{urlencode({'link': link_token})}" if link_token and settings.link_mode is LinkMode.LOCATION else ""
    path = f"/output/{result_id}{query}"
    return base + path if base.startswith("https://") else path


def output_url(base: str, result_id: str, link_token: str) -> str:
    """Return a result's absolute address, which opens without a key as long as links are handed out."""
    query = f"?{urlencode({'link': link_token})}" if link_token else ""
    return f"{base}/output/{result_id}{query}"
