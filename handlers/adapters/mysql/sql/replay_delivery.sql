-- Send one once more, whatever became of it.
UPDATE webhook_delivery
SET status = 'PENDING',
    attempts = 0,
    leased = 0,
    next_attempt_at = CURRENT_TIMESTAMP(3),
    expires_at = CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
WHERE webhook_id = %(webhook_id)s AND event_id = %(event_id)s
