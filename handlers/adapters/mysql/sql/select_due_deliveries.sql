-- Take what is due for a webhook, the oldest first; another sender takes other rows (SKIP LOCKED).
-- The second column: whether its time is over.
SELECT event_id, expires_at <= CURRENT_TIMESTAMP(3) FROM webhook_delivery
WHERE webhook_id = %(webhook_id)s
  AND status = 'PENDING'
  AND next_attempt_at <= CURRENT_TIMESTAMP(3)
ORDER BY next_attempt_at
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
