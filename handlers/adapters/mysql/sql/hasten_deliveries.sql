-- After an outage of a receiver, what was tried in vain meanwhile need not wait for its pause.
UPDATE webhook_delivery SET next_attempt_at = CURRENT_TIMESTAMP(3)
WHERE webhook_id = %(id)s
  AND status = 'PENDING'
  AND next_attempt_at > CURRENT_TIMESTAMP(3)
  AND attempts > 0
  AND leased = 0
