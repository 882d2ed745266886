-- Take rows for a sender. If it is killed, they are due again when the lease ends.
UPDATE webhook_delivery
SET leased = 1,
    attempts = attempts + 1,
    next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL %(lease_s)s SECOND
WHERE webhook_id = %(webhook_id)s AND event_id IN %(event_ids)s
