-- The batches of a topic that could not be read and are not resolved. They are always due; the
-- condition on the time lets the index pass by the rows that wait for a redrive.
SELECT partition_no, offset_no, detail FROM failed_event
WHERE status = 'PENDING' AND next_attempt_at <= CURRENT_TIMESTAMP(3)
  AND reason = 'UNREADABLE'
  AND topic IN (%(topic)s, CONCAT(%(topic)s, '@0'))
