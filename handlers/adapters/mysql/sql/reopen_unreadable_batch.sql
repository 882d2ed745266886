-- A batch that was read once cannot be read again. Only an operator's decision lets a reader pass.
UPDATE failed_event
SET status = 'PENDING'
WHERE topic IN (%(topic)s, CONCAT(%(topic)s, '@0'))
  AND partition_no = %(partition_no)s AND offset_no = %(offset_no)s
  AND reason = 'UNREADABLE' AND status = 'RESOLVED'
  AND RIGHT(detail, CHAR_LENGTH(%(skipped)s)) <> %(skipped)s
