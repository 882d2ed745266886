-- A page of a webhook's deliveries, the newest first, from before (%(created_at)s, %(after)s).
SELECT event_id, kind, campaign_id, serial, code, status, attempts, http_status, error,
       occurred_at, created_at, next_attempt_at, expires_at, delivered_at
FROM webhook_delivery
WHERE webhook_id = %(webhook_id)s
  AND (%(status)s IS NULL OR status = %(status)s)
  AND (%(created_at)s IS NULL
       OR created_at < %(created_at)s
       OR (created_at = %(created_at)s AND event_id < %(after)s))
ORDER BY created_at DESC, event_id DESC
LIMIT %(limit)s
