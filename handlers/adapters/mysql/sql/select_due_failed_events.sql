-- Take failed events to be written again, by id; a parallel redrive takes other rows (SKIP
-- LOCKED). %(now)s = 1 also takes rows that are not due yet. What is UNREADABLE is no record that
-- could be written: it waits for an operator.
SELECT id, topic, partition_no, offset_no, payload, attempts, detail FROM failed_event
WHERE status = %(status)s
  AND reason <> 'UNREADABLE'
  AND id > %(after)s
  AND (next_attempt_at <= CURRENT_TIMESTAMP(3) OR %(now)s)
ORDER BY id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
