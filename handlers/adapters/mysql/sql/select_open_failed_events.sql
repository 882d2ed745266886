-- Those of these failed events that wait or were given up. A locking read without SKIP LOCKED: it
-- waits for a redrive that is writing one of them, so that the caller, which reads the coupons
-- after this, sees the result.
SELECT payload, topic, partition_no, offset_no FROM failed_event
WHERE id IN %(ids)s AND status <> 'RESOLVED'
ORDER BY id
FOR UPDATE
