-- How many events wait for webhooks, and for how many seconds the one that is due longest is due.
-- From the index webhook_delivery_due alone, for each webhook.
SELECT COUNT(d.webhook_id),
       TIMESTAMPDIFF(MICROSECOND, MIN(d.next_attempt_at), CURRENT_TIMESTAMP(3)) / 1000000
FROM webhook AS w
JOIN webhook_delivery AS d ON d.webhook_id = w.id AND d.status = 'PENDING'
WHERE w.state = 'ACTIVE'
