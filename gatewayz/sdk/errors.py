"""Every error of the gateway, as one tree.

    GatewayzError
    ├── RequestError          the caller's fault: never retried, no breaker hears of it
    │   ├── InvalidRequest            400   ├── ModelNotFound        404
    │   ├── AuthenticationFailed      401   ├── ResourceNotFound     404
    │   ├── PaymentRequired           402   ├── Conflict             409
    │   ├── PermissionRefused         403   ├── BodyTooLarge         413
    │   ├── ModelNotAllowed           403   ├── UnsupportedMediaType 415
    │   ├── PricingMissing            422   ├── SchemaInvalid        422
    │   └── RateLimited               429
    ├── UpstreamError         what a provider did; providers raise only these
    │   ├── UpstreamRejected          400   the request is at fault: not retried elsewhere
    │   ├── UnsupportedFeature        400   this provider cannot do what the call needs
    │   ├── ContentFiltered           400
    │   ├── UpstreamAuthFailed        502   our credential was refused (401, 402, 403)
    │   ├── UpstreamModelMissing      404
    │   ├── UpstreamRateLimited       429   a cooldown, not a fault
    │   ├── UpstreamOverloaded        503   503, 529
    │   ├── UpstreamUnreachable       503   no connection
    │   ├── UpstreamTimeout           504   `phase`: connect, first_byte, idle, total
    │   └── UpstreamBroken            502   5xx, garbage, stream cut
    ├── ServiceError          our own inability
    │   ├── NoOfferLeft               503   ├── StoreUnavailable     503
    │   └── ServerOverloaded          503
    └── ConfigurationError    start-up and reload; names file, line and key path

Failover, breakers, billing and status codes read the class data below and nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

__all__ = [
    "AuthenticationFailed",
    "BodyTooLarge",
    "ConfigurationError",
    "Conflict",
    "ContentFiltered",
    "GatewayzError",
    "InvalidRequest",
    "ModelNotAllowed",
    "ModelNotFound",
    "NoOfferLeft",
    "PaymentRequired",
    "PermissionRefused",
    "PricingMissing",
    "RateLimited",
    "RequestError",
    "ResourceNotFound",
    "SchemaInvalid",
    "ServerOverloaded",
    "ServiceError",
    "StoreUnavailable",
    "TimeoutPhase",
    "UnsupportedFeature",
    "UnsupportedMediaType",
    "UpstreamAuthFailed",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamModelMissing",
    "UpstreamOverloaded",
    "UpstreamRateLimited",
    "UpstreamRejected",
    "UpstreamTimeout",
    "UpstreamUnreachable",
]

TimeoutPhase = Literal["connect", "first_byte", "idle", "total"]


class GatewayzError(Exception):
    """Base of all: a message for people and data for programs.

    :param message: one sentence; never contains a secret or another customer's data.
    :param code: UPPER_CASE code of the envelope, when it differs from the class's own.
    :param param: the parameter at fault, as the caller wrote it (`messages[0].role`).
    :param context: fields of the envelope's `context` (spec 00 §4.1).
    :param suggestions: what the caller can do.
    :param retry_after_s: seconds after which a retry makes sense; becomes `Retry-After`.
    :param headers: further headers of the answer (`X-Trial-Expired`).
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal_error"
    default_code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        context: Mapping[str, Any] | None = None,
        suggestions: Sequence[str] = (),
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.context: dict[str, Any] = dict(context or {})
        self.suggestions = tuple(suggestions)
        self.retry_after_s = retry_after_s
        self.headers: dict[str, str] = dict(headers or {})


class RequestError(GatewayzError):
    """The caller's fault."""

    status = 400
    type = "invalid_request_error"
    default_code = "MALFORMED_REQUEST"


class InvalidRequest(RequestError):
    """The request cannot be understood or is out of range."""


class SchemaInvalid(RequestError):
    """The body does not fit the schema of a gateway-own route."""

    status = 422
    type = "validation_error"
    default_code = "INVALID_REQUEST_BODY"


class AuthenticationFailed(RequestError):
    """No credential, or one that is not valid."""

    status = 401
    type = "authentication_error"
    default_code = "INVALID_API_KEY"


class PaymentRequired(RequestError):
    """Not enough credit, or the trial is over."""

    status = 402
    type = "insufficient_credits"
    default_code = "INSUFFICIENT_CREDITS"


class PermissionRefused(RequestError):
    """The caller is known and may not do this."""

    status = 403
    type = "permission_error"
    default_code = "INSUFFICIENT_PERMISSIONS"


class ModelNotAllowed(PermissionRefused):
    """The caller may not use this model."""

    type = "model_not_allowed"
    default_code = "ACCESS_DENIED"


class ResourceNotFound(RequestError):
    """Nothing here by that name, or it is somebody else's."""

    status = 404
    type = "not_found_error"
    default_code = "RESOURCE_NOT_FOUND"


class ModelNotFound(ResourceNotFound):
    """No such model in the catalog."""

    type = "model_not_found"
    default_code = "MODEL_NOT_FOUND"


class Conflict(RequestError):
    """The same request is running already, or the state forbids it."""

    status = 409
    type = "conflict_error"
    default_code = "CONFLICT"


class BodyTooLarge(RequestError):
    """The body exceeds the configured size."""

    status = 413
    type = "request_too_large"
    default_code = "REQUEST_TOO_LARGE"


class UnsupportedMediaType(RequestError):
    """The content type or coding of the body is not one the route reads."""

    status = 415
    type = "unsupported_media_type"
    default_code = "INVALID_CONTENT_TYPE"


class PricingMissing(RequestError):
    """The model has no explicit price, so it is not called."""

    status = 422
    type = "pricing_unavailable"
    default_code = "model_pricing_missing"


class RateLimited(RequestError):
    """A limit of ours is reached."""

    status = 429
    type = "rate_limit_error"
    default_code = "RATE_LIMIT_EXCEEDED"


class UpstreamError(GatewayzError):
    """A provider failed. Raised by providers; the core adds which offer it was.

    `retryable`: another offer may answer. `is_fault`: the breaker counts it.
    :param provider_status: HTTP status the provider answered with, when it answered.
    """

    status = 502
    type = "provider_error"
    default_code = "PROVIDER_ERROR"
    retryable: ClassVar[bool] = True
    is_fault: ClassVar[bool] = True

    def __init__(self, message: str, *, provider_status: int | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.provider_status = provider_status


class UpstreamRejected(UpstreamError):
    """The provider says the request is wrong."""

    status = 400
    type = "invalid_request_error"
    default_code = "MALFORMED_REQUEST"
    retryable = False
    is_fault = False


class UnsupportedFeature(UpstreamError):
    """The call needs something this provider or format cannot do; `param` names it."""

    status = 400
    type = "invalid_request_error"
    default_code = "UNSUPPORTED_PARAMETER"
    retryable = True
    is_fault = False


class ContentFiltered(UpstreamRejected):
    """The provider's safety filter refused the prompt."""

    default_code = "CONTENT_FILTERED"


class UpstreamAuthFailed(UpstreamError):
    """Our credential at the provider was refused (401, 402, 403). The caller's key is fine."""

    default_code = "PROVIDER_AUTHENTICATION_ERROR"


class UpstreamModelMissing(UpstreamError):
    """The provider does not serve the model (404)."""

    status = 404
    type = "model_not_found"
    default_code = "MODEL_NOT_FOUND"
    is_fault = False


class UpstreamRateLimited(UpstreamError):
    """The provider's limit is reached (429): that route cools down for `retry_after_s`."""

    status = 429
    type = "rate_limit_error"
    default_code = "PROVIDER_RATE_LIMITED"
    is_fault = False


class UpstreamOverloaded(UpstreamError):
    """The provider says it is overloaded (503, 529)."""

    status = 503
    type = "overloaded_error"
    default_code = "PROVIDER_UNAVAILABLE"


class UpstreamUnreachable(UpstreamError):
    """No connection could be made."""

    status = 503
    type = "provider_unavailable"
    default_code = "PROVIDER_UNAVAILABLE"


class UpstreamTimeout(UpstreamError):
    """A time limit passed; `phase` says which."""

    status = 504
    type = "provider_timeout"
    default_code = "PROVIDER_TIMEOUT"

    def __init__(self, message: str, *, phase: TimeoutPhase, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.phase = phase


class UpstreamBroken(UpstreamError):
    """A 5xx, an answer that is not of the format, or a stream that stopped half way."""


class ServiceError(GatewayzError):
    """The gateway itself cannot serve now."""

    status = 503
    type = "service_unavailable"
    default_code = "SERVICE_UNAVAILABLE"


class NoOfferLeft(ServiceError):
    """Nothing that serves the model may be tried; `context` says why each was passed over."""

    default_code = "MODEL_UNAVAILABLE"


class StoreUnavailable(ServiceError):
    """The database does not answer."""

    default_code = "DATABASE_ERROR"


class ServerOverloaded(ServiceError):
    """Too much work at once in this process."""

    type = "server_overload"


class ConfigurationError(GatewayzError):
    """Configuration that cannot be used; the message starts with `file:line`, where known."""

    default_code = "CONFIGURATION_ERROR"
