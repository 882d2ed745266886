-- What an attempt to write a failed event again has come to; a NULL reason keeps the first one.
UPDATE failed_event
SET status = %(status)s,
    reason = COALESCE(%(reason)s, reason),
    detail = %(detail)s,
    attempts = attempts + 1,
    next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL %(wait_s)s SECOND
WHERE id = %(id)s
