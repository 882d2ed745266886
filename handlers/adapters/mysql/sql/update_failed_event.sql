-- Store the result of an attempt to write a failed event again; a NULL reason leaves it unchanged.
UPDATE failed_event
SET status = %(status)s,
    reason = COALESCE(%(reason)s, reason),
    detail = %(detail)s,
    attempts = attempts + 1,
    next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL %(wait_s)s SECOND
WHERE id = %(id)s
