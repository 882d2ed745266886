-- Give up what could not be sent in its time.
UPDATE webhook_delivery
SET status = 'DEAD', leased = 0, error = COALESCE(error, 'its time was over before it was sent')
WHERE webhook_id = %(webhook_id)s AND event_id IN %(event_ids)s
