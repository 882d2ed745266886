"""Events about new objects in S3: the bucket's own notification, or EventBridge's event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATED = "ObjectCreated:"
EVENTBRIDGE_SOURCE, EVENTBRIDGE_CREATED = "aws.s3", "Object Created"


class NotS3Error(ValueError):
    """The event tells of no new object in S3: the function is wired wrongly."""


def objects(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return bucket and key of each new object; raise NotS3Error for any other event."""
    if event.get("Event") == "s3:TestEvent":
        return []  # sent once, when a notification is set up
    try:
        if event.get("source") == EVENTBRIDGE_SOURCE:
            return [_of_eventbridge(event)]
        return [_of_notification(record) for record in event["Records"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise NotS3Error(NotS3Error.__doc__) from error


def _of_notification(record: Mapping[str, Any]) -> tuple[str, str]:
    if record["eventSource"] != "aws:s3" or not record["eventName"].startswith(CREATED):
        raise NotS3Error(NotS3Error.__doc__)
    # Encoded as in a form: a space is a +.
    return record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])


def _of_eventbridge(event: Mapping[str, Any]) -> tuple[str, str]:
    if event["detail-type"] != EVENTBRIDGE_CREATED:
        raise NotS3Error(NotS3Error.__doc__)
    # EventBridge gives the key unencoded.
    return event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
