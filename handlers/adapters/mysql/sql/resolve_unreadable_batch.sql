-- Resolve a batch that could not be read. %(how)s: because an operator leaves it out, and then all
-- readers of the topic pass it; or because it was read since.
UPDATE failed_event
SET status = 'RESOLVED', detail = CONCAT(LEFT(detail, 900), %(how)s)
WHERE topic IN (%(topic)s, CONCAT(%(topic)s, '@0'))
  AND partition_no = %(partition_no)s AND offset_no = %(offset_no)s
  AND reason = 'UNREADABLE' AND status <> 'RESOLVED'
