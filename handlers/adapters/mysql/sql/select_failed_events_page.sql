-- A page of failed events by id; a filter that is NULL matches everything. The page ends early with
-- the event that makes it %(bytes_max)s bytes or more: a record may hold a megabyte.
SELECT e.id, e.campaign_id, e.user_id, e.topic, e.partition_no, e.offset_no, e.record_key,
       e.payload, e.reason, e.detail, e.attempts, e.status, e.next_attempt_at, e.created_at,
       e.updated_at
FROM (
    SELECT id, SUM(bytes) OVER (ORDER BY id) - bytes AS bytes_before
    FROM (
        SELECT id, COALESCE(OCTET_LENGTH(payload), 0) + COALESCE(OCTET_LENGTH(record_key), 0)
                   AS bytes
        FROM failed_event
        WHERE id > %(after)s
          AND (%(campaign_id)s IS NULL OR campaign_id = %(campaign_id)s)
          AND (%(user_id)s IS NULL OR user_id = %(user_id)s)
          AND (%(status)s IS NULL OR status = %(status)s)
          AND (%(reason)s IS NULL OR reason = %(reason)s)
        ORDER BY id
        LIMIT %(limit)s
    ) AS page
) AS sized
JOIN failed_event AS e ON e.id = sized.id
WHERE sized.bytes_before < %(bytes_max)s
ORDER BY e.id
