-- Take failed events to be written again, by id; whoever else does the same at the moment takes
-- others (SKIP LOCKED). %(now)s = 1 does not wait for their time.
SELECT id, topic, partition_no, offset_no, payload, attempts FROM failed_event
WHERE status = %(status)s
  AND id > %(after)s
  AND (next_attempt_at <= CURRENT_TIMESTAMP(3) OR %(now)s)
ORDER BY id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
