-- It did not arrive: the next attempt, or the end of its time. Not where another sender has taken it
-- since, whose result is newer.
UPDATE webhook_delivery
SET status = IF(
        CURRENT_TIMESTAMP(3) + INTERVAL %(pause_s)s SECOND >= expires_at, 'DEAD', 'PENDING'
    ),
    leased = 0,
    http_status = %(http_status)s,
    error = %(error)s,
    next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL %(pause_s)s SECOND
WHERE webhook_id = %(webhook_id)s
  AND event_id = %(event_id)s
  AND status = 'PENDING'
  AND attempts = %(attempt)s
