"""The route of pictures, as OpenAPI describes it. Source: spec 08 §1."""

from typing import Any, Final

from gatewayz.dialects.openai_images import DEFAULT_MODEL, MAX_IMAGES, QUALITIES, RESPONSE_FORMATS, STYLES
from gatewayz.sdk.wire import Format

__all__ = ["images_operation"]

_ASKED: Final = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1},
        "model": {"type": "string", "default": DEFAULT_MODEL},
        "n": {"type": "integer", "minimum": 1, "maximum": MAX_IMAGES, "default": 1},
        "size": {"type": "string", "pattern": "^([1-9][0-9]{1,3}x[1-9][0-9]{1,3}|auto)$"},
        "quality": {"type": "string", "enum": list(QUALITIES)},
        "style": {"type": "string", "enum": list(STYLES)},
        "response_format": {"type": "string", "enum": list(RESPONSE_FORMATS)},
        "user": {"type": "string"},
        "provider": {"type": "string"},
    },
    "additionalProperties": True,
}
_PICTURE: Final = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "b64_json": {"type": "string"},
        "revised_prompt": {"type": "string"},
    },
}
_MADE: Final = {
    "type": "object",
    "required": ["created", "data", "model", "provider", "gateway_usage"],
    "properties": {
        "created": {"type": "integer"},
        "data": {"type": "array", "items": _PICTURE},
        "model": {"type": "string"},
        "provider": {"type": "string"},
        "gateway_usage": {"type": "object"},
    },
}


def images_operation(format: Format) -> dict[str, Any]:
    """Return summary, body and answer of the route."""
    return {
        "summary": "Make pictures.",
        "description": f"In OpenAI's format ({format}). Fields that this gateway does not know reach the provider.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ASKED}}},
        "answer": {"description": "The pictures.", "content": {"application/json": {"schema": _MADE}}},
    }
