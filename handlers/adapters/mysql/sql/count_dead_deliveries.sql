-- How many of these were given up.
SELECT COUNT(*) FROM webhook_delivery
WHERE webhook_id = %(webhook_id)s AND event_id IN %(event_ids)s AND status = 'DEAD'
