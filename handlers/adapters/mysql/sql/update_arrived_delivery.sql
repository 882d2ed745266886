-- The receiver has taken it. That holds also where the sender's lease had ended.
UPDATE webhook_delivery
SET status = 'DELIVERED',
    leased = 0,
    http_status = %(http_status)s,
    error = NULL,
    delivered_at = CURRENT_TIMESTAMP(3)
WHERE webhook_id = %(webhook_id)s AND event_id = %(event_id)s
