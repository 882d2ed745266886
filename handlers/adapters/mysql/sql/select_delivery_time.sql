-- When a delivery was created: where a page begins.
SELECT created_at FROM webhook_delivery
WHERE webhook_id = %(webhook_id)s AND event_id = %(event_id)s
