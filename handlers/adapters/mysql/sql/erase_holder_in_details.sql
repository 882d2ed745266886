-- Earlier releases named the holder of a serial in the failed events of others.
UPDATE failed_event
SET detail = REPLACE(detail, %(holder)s, 'belongs to another user')
WHERE campaign_id = %(campaign_id)s AND reason = 'SERIAL_TAKEN'
  AND (RIGHT(detail, CHAR_LENGTH(%(holder)s)) = %(holder)s
       OR LOCATE(CONCAT(%(holder)s, '; '), detail) > 0)
