"""Strict decoding of request bodies: whatever is wrong becomes an InvalidRequest that names the parameter.

A format describes its body as a struct; `RequestReader` decodes it, keeps the top-level members as
their original bytes, takes the gateway's own extensions out, and words msgspec's complaints for callers.
Source: spec 00 §4.1 (context fields), §4.2 (codes); spec 01 §1.1 (extensions).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from gatewayz.dialects.repeated_names import repeated_member
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.routing import PriceCap

__all__ = [
    "EXTENSIONS",
    "MODEL_ID_LIMIT",
    "Extensions",
    "RequestReader",
    "RequestRules",
    "check_model",
    "decoded_member",
    "invalid",
    "invalid_from",
    "missing",
    "strictly_decoded",
    "take_extensions",
]

T = TypeVar("T")

_AT: Final = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_WRONG_TYPE: Final = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")
_BOUND: Final = re.compile(r"Expected `(?P<kind>\w+)`(?P<length> of length)? (?P<sign>[<>]=?) (?P<bound>[-\d.]+)")
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_VALUE_LIMIT: Final = 100
MODEL_ID_LIMIT: Final = 256
_ANY: Final = msgspec.json.Decoder()
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NONE: Final[Mapping[str, Any]] = {}


class Extensions(msgspec.Struct, frozen=True, kw_only=True):
    """Members the gateway adds to every inference format; never sent to a provider."""

    provider: str | None = None
    auto_web_search: bool | str | None = None
    web_search_threshold: float | None = None
    session_id: int | str | None = None
    cache: Any = None
    max_price: PriceCap | None = None
    """The dearest model a router may choose."""


EXTENSIONS: Final = frozenset(Extensions.__struct_fields__)


class RequestRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a format's complaints are worded; keys are parameter names without indexes (`messages.role`)."""

    range_codes: Mapping[str, str] = _NONE
    """Code for a value out of range or not in its list; PARAMETER_OUT_OF_RANGE otherwise."""
    type_codes: Mapping[str, str] = _NONE
    """Code for a value of a wrong type; INVALID_PARAMETER_TYPE otherwise."""
    bounds: Mapping[str, tuple[float, float]] = _NONE
    allowed: Mapping[str, Sequence[str]] = _NONE


_NO_RULES: Final = RequestRules()


class RequestReader(Generic[T]):
    """Reads the bodies of one format."""

    def __init__(self, body_type: type[T], rules: RequestRules, known: frozenset[str]) -> None:
        """`known`: members that `body_type` decodes; the others are only checked to be strict JSON."""
        self._decoder = msgspec.json.Decoder(body_type)
        self._rules = rules
        self._known = known

    def read(self, body: bytes) -> tuple[T, dict[str, msgspec.Raw]]:
        """Return the typed body and all its members as bytes. Raises InvalidRequest."""
        try:
            if not body.isascii():
                body.decode()  # what is skipped is not checked by the decoder, and goes to the provider
            typed = self._decoder.decode(body)
            members = _MEMBERS.decode(body)
            if not members.keys() <= self._known:
                for name in members.keys() - self._known:
                    decoded_member(members[name], name)  # as above: numbers beyond a float
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise invalid_from(err, self._rules) from err
        if (repeated := repeated_member(body, members)) is not None:
            raise _repeated(repeated)
        return typed, members


def strictly_decoded(raw: msgspec.Raw | bytes, decoder: "msgspec.json.Decoder[T]", path: str, rules: RequestRules) -> T:
    """Return a part of a body decoded on its own; complaints name it under `path`. Raises InvalidRequest."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise invalid_from(err, rules, path) from err


def decoded_member(raw: msgspec.Raw | bytes, path: str) -> Any:
    """Return any part of a body as plain values; complaints name it under `path`. Raises InvalidRequest."""
    return strictly_decoded(raw, _ANY, path, _NO_RULES)


def take_extensions(members: dict[str, msgspec.Raw]) -> Mapping[str, Any]:
    """Take the gateway's own members out and return their values. Raises InvalidRequest on a wrong type."""
    if EXTENSIONS.isdisjoint(members):
        return _NONE
    taken = {name: members.pop(name) for name in EXTENSIONS & members.keys()}
    try:
        typed = msgspec.json.decode(msgspec.json.encode(taken), type=Extensions)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise invalid_from(err, _NO_RULES) from err
    if isinstance(typed.auto_web_search, str) and typed.auto_web_search != "auto":
        raise invalid("auto_web_search must be true, false or 'auto'", "auto_web_search", allowed_values=["auto"])
    if typed.web_search_threshold is not None and not 0 <= typed.web_search_threshold <= 1:
        raise invalid("web_search_threshold must be between 0 and 1", "web_search_threshold", min_value=0, max_value=1)
    return {name: value for name in taken if (value := getattr(typed, name)) is not None}


def invalid(message: str, param: str, code: str = "PARAMETER_OUT_OF_RANGE", **context: Any) -> InvalidRequest:
    """Return the error for a parameter that is understood and not allowed."""
    return InvalidRequest(message, code=code, param=param, context={"parameter_name": param, **context})


def missing(param: str, why: str = "is required") -> InvalidRequest:
    """Return the error for a parameter that is not there."""
    return invalid(f"{param} {why}", param, "MISSING_REQUIRED_FIELD")


def invalid_from(err: Exception, rules: RequestRules, path: str = "") -> InvalidRequest:
    """Return what a decoding error means to the caller."""
    if isinstance(err, UnicodeDecodeError):
        return _not_json("it is not UTF-8", err.start)
    if isinstance(err, RecursionError):
        return _not_json("it is nested too deeply")
    text = str(err)
    if not isinstance(err, msgspec.ValidationError):
        found = _BYTE.search(text)
        reason = _BYTE.sub("", text.removeprefix("JSON is malformed: ")).strip()
        return _not_json(reason[:_VALUE_LIMIT], int(found[1]) if found else None)
    where = _AT.search(text)
    complaint = text[: where.start()] if where else text
    inner = where["path"] if where else ""
    param = f"{path}.{inner}".strip(".") if inner[:1] != "[" else path + inner
    return _invalid_value(complaint, param.replace("[...]", ""), rules)


def check_model(model: str) -> None:
    """Refuse a model id that cannot be one. Raises InvalidRequest."""
    if not model.isprintable() or not 0 < len(model) <= MODEL_ID_LIMIT or model.isspace():
        raise invalid(
            f"model must be a printable name of at most {MODEL_ID_LIMIT} characters", "model", "INVALID_MODEL_FORMAT"
        )


def _not_json(reason: str, position: int | None = None) -> InvalidRequest:
    where = "" if position is None else f" at byte {position}"
    context = {} if position is None else {"additional_info": {"byte": position}}
    return InvalidRequest(f"the body is not valid JSON: {reason}{where}", code="INVALID_JSON", context=context)


def _repeated(name: str) -> InvalidRequest:
    shown = name[:_VALUE_LIMIT]
    return InvalidRequest(f"the body gives {shown!r} more than once", code="INVALID_JSON", param=shown)


def _invalid_value(complaint: str, param: str, rules: RequestRules) -> InvalidRequest:
    if found := _MISSING.match(complaint):
        return missing(f"{param}.{found['name']}".lstrip("."))
    general = _INDEX.sub("", param)
    if found := _WRONG_TYPE.match(complaint):
        if not param:
            return InvalidRequest("the body must be a JSON object", code="INVALID_REQUEST_BODY")
        expected = found["expected"].replace(" | null", "")
        code = rules.type_codes.get(general, "INVALID_PARAMETER_TYPE")
        return invalid(f"{param} must be {expected}, not {found['got']}", param, code, expected_type=expected)
    return _out_of_range(complaint, param, general, rules)


def _out_of_range(complaint: str, param: str, general: str, rules: RequestRules) -> InvalidRequest:
    code = rules.range_codes.get(general, "PARAMETER_OUT_OF_RANGE")
    if allowed := rules.allowed.get(general):
        return invalid(f"{param} must be one of {', '.join(allowed)}", param, code, allowed_values=list(allowed))
    if bounds := rules.bounds.get(general):
        low, high = bounds
        return invalid(f"{param} must be between {low:g} and {high:g}", param, code, min_value=low, max_value=high)
    found = _BOUND.match(complaint)
    if found is None:
        return invalid(f"{param}: {complaint[:_VALUE_LIMIT]}", param, code)
    bound = float(found["bound"])
    side, words = ("min_value", "at least") if found["sign"][0] == ">" else ("max_value", "at most")
    if not found["length"]:
        return invalid(f"{param} must be {words} {bound:g}", param, code, **{side: bound})
    if side == "min_value" and bound == 1:
        return invalid(f"{param} must not be empty", param, code, min_value=bound)
    unit = "characters" if found["kind"] == "str" else "items"
    return invalid(f"{param} must have {words} {bound:g} {unit}", param, code, **{side: bound})
