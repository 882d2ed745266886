-- Send once more, for three more days, what was given up or was tried in vain. What the replay has
-- reset is not found again, so the next call goes on with the rest.
UPDATE webhook_delivery
SET status = 'PENDING',
    attempts = 0,
    leased = 0,
    next_attempt_at = CURRENT_TIMESTAMP(3),
    expires_at = CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
WHERE webhook_id = %(webhook_id)s
  AND created_at >= %(since)s
  AND (status = 'DEAD' OR (status = 'PENDING' AND attempts > 0 AND leased = 0))
ORDER BY created_at
LIMIT %(limit)s
