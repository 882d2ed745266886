-- A page of failed events by id; a filter that is NULL lets everything through.
SELECT id, campaign_id, user_id, topic, partition_no, offset_no, record_key, payload, reason,
       detail, attempts, status, next_attempt_at, created_at, updated_at
FROM failed_event
WHERE id > %(after)s
  AND (%(campaign_id)s IS NULL OR campaign_id = %(campaign_id)s)
  AND (%(user_id)s IS NULL OR user_id = %(user_id)s)
  AND (%(status)s IS NULL OR status = %(status)s)
  AND (%(reason)s IS NULL OR reason = %(reason)s)
ORDER BY id
LIMIT %(limit)s
