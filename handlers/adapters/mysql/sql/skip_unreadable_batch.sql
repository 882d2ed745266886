-- An operator leaves a batch out that cannot be read: from now on, readers of the topic pass it.
UPDATE failed_event
SET status = 'RESOLVED', detail = CONCAT(LEFT(detail, 900), '; skipped by an operator')
WHERE topic IN (%(topic)s, CONCAT(%(topic)s, '@0'))
  AND partition_no = %(partition_no)s AND offset_no = %(offset_no)s
  AND reason = 'UNREADABLE' AND status <> 'RESOLVED'
