"""What surrounds every HTTP handler: the request parsed, errors answered, one line logged."""

from __future__ import annotations

import time
from functools import wraps
from typing import TYPE_CHECKING, Any

from handlers import log
from handlers.config import ConfigurationError
from handlers.domain.errors import (
    RETRY_AFTER_S,
    ServiceError,
    UnavailableError,
)
from handlers.domain.identifiers import is_campaign_id
from handlers.edge.request import Request, request_id_of
from handlers.edge.response import problem

if TYPE_CHECKING:
    from collections.abc import Callable

Response = dict[str, Any]


def endpoint(use_case: Callable[[Request], Response]) -> Callable[[dict[str, Any], Any], Response]:
    """Make a Lambda handler (event, context) of a function of the request."""
    name = use_case.__name__

    @wraps(use_case)
    def handler(event: dict[str, Any], context: Any) -> Response:  # noqa: ARG001 - Lambda's signature
        started = time.perf_counter()
        request_id = request_id_of(event)
        campaign_id = (event.get("pathParameters") or {}).get("id")
        # What can be no campaign may be anything, a token in the wrong place or a megabyte.
        fields: dict[str, Any] = {
            "request_id": request_id,
            "campaign_id": campaign_id if is_campaign_id(campaign_id) else None,
        }
        try:
            response = use_case(Request.of(event, request_id, fields))
            fields.setdefault("outcome", "OK")
        except ServiceError as error:
            fields["outcome"] = error.code
            if error.__cause__:
                fields["cause"] = type(error.__cause__).__name__
            response = _answer_error(error, request_id)
        except ConfigurationError as error:
            fields["outcome"] = "INTERNAL"
            log.error(f"{name}: {error}", fields)
            response = problem("INTERNAL", "The service is set up wrongly.", request_id)
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer
            # A fault of ours: the caller is told no inside, the log the place.
            fields["outcome"] = "INTERNAL"
            log.exception(name, fields)
            response = problem("INTERNAL", "Something went wrong on our side.", request_id)
        fields["status"] = response["statusCode"]
        fields["duration_ms"] = round((time.perf_counter() - started) * 1000, 3)
        log.info(name, fields)
        return response

    return handler


def _answer_error(error: ServiceError, request_id: str) -> Response:
    retry_after_s = RETRY_AFTER_S if isinstance(error, UnavailableError) else None
    return problem(error.code, str(error), request_id, retry_after_s=retry_after_s)
