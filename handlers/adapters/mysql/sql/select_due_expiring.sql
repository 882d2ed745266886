-- Coupons whose moment has come, the earliest first; another scheduler takes others.
SELECT campaign_id, serial FROM webhook_expiring
WHERE due_at <= CURRENT_TIMESTAMP(3)
ORDER BY due_at
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
