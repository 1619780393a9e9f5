"""What the OpenAPI document says of request bodies."""

from typing import Any

from minipic.domain.image import MAX_RESIZE_PIXELS, OUTPUT_FORMATS, ImageFormat, Preserve, ResizeMethod
from minipic.domain.operations import ANY_TYPE, MEDIA_TYPES
from minipic.domain.options import BACKGROUND_PATTERN

Description = dict[str, Any]

_BINARY: Description = {"type": "string", "format": "binary"}
IMAGE_CONTENT: Description = {image_format.media_type: {"schema": _BINARY} for image_format in OUTPUT_FORMATS}
_INPUT_CONTENT: Description = {image_format.media_type: {"schema": _BINARY} for image_format in ImageFormat}
_SOURCE_SCHEMA: Description = {
    "type": "object",
    "required": ["source"],
    "additionalProperties": False,
    "properties": {
        "source": {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["url"],
                    "additionalProperties": False,
                    "properties": {"url": {"type": "string", "examples": ["https://example.com/photo.jpg"]}},
                },
                {
                    "type": "object",
                    "required": ["upload"],
                    "additionalProperties": False,
                    "properties": {"upload": {"type": "string"}},
                },
            ]
        }
    },
}
_RAW_CONTENT: Description = {"application/octet-stream": {"schema": _BINARY}} | _INPUT_CONTENT
_BODY_NOTE = "The image's bytes, or where they are. The format is found in the bytes; Content-Type is JSON or nothing."
SHRINK_BODY: Description = {
    "requestBody": {
        "required": True,
        "description": _BODY_NOTE,
        "content": _RAW_CONTENT | {"application/json": {"schema": _SOURCE_SCHEMA}},
    }
}
COMPRESS_BODY: Description = {
    "requestBody": {
        "required": True,
        "description": _BODY_NOTE + " A multipart form with one file will do as well.",
        "content": _RAW_CONTENT
        | {
            "application/json": {"schema": _SOURCE_SCHEMA},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
            },
        },
    }
}
_JOB_FIELDS: Description = {
    "quality": {"type": "integer", "minimum": 1, "maximum": 100, "default": 80},
    "webhook_url": {"type": "string", "description": "https on a public host: called once the image is done"},
    "webhook_secret": {"type": "string", "description": "`whsec_` and 24 to 64 bytes as base64, to sign the call with"},
}
OPTIMIZE_BODY: Description = {
    "requestBody": {
        "required": True,
        "description": "A form with up to 20 images (JPEG, PNG, GIF, WebP); or one image's bytes; or where it is.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "array", "items": _BINARY, "maxItems": 20}, **_JOB_FIELDS},
                }
            },
            "application/octet-stream": {"schema": _BINARY},
            "application/json": {
                "schema": {
                    **_SOURCE_SCHEMA,
                    "properties": {**_SOURCE_SCHEMA["properties"], **_JOB_FIELDS},
                }
            },
        },
    }
}
_SIDE: Description = {"type": "integer", "minimum": 1, "maximum": MAX_RESIZE_PIXELS}
_NAMES: Description = {"type": "string", "enum": [*MEDIA_TYPES, ANY_TYPE]}
OPERATIONS_BODY: Description = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "resize": {
                            "type": ["object", "null"],
                            "required": ["method"],
                            "additionalProperties": False,
                            "properties": {
                                "method": {"type": "string", "enum": list(ResizeMethod)},
                                "width": _SIDE,
                                "height": _SIDE,
                            },
                        },
                        "convert": {
                            "type": ["object", "null"],
                            "required": ["type"],
                            "additionalProperties": False,
                            "properties": {
                                "type": {"oneOf": [_NAMES, {"type": "array", "items": _NAMES, "minItems": 1}]}
                            },
                        },
                        "preserve": {
                            "type": ["array", "null"],
                            "items": {"type": "string", "enum": list(Preserve)},
                        },
                        "transform": {
                            "type": ["object", "null"],
                            "additionalProperties": False,
                            "properties": {"background": {"type": "string", "pattern": BACKGROUND_PATTERN}},
                        },
                    },
                },
                "examples": {
                    "resize": {"value": {"resize": {"method": "fit", "width": 150, "height": 100}}},
                    "convert": {"value": {"convert": {"type": ["image/webp", "image/png"]}}},
                    "fill": {"value": {"convert": {"type": "image/jpeg"}, "transform": {"background": "#ffffff"}}},
                    "preserve": {"value": {"preserve": ["copyright", "creation"]}},
                },
            }
        }
    }
}
UPLOAD_BODY: Description = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["size"],
                    "additionalProperties": False,
                    "properties": {"size": {"type": "integer", "minimum": 1, "examples": [73400320]}},
                }
            }
        },
    }
}
