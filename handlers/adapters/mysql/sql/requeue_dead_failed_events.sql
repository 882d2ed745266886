-- Serials may have become free: requeue the events that were given up because none was left.
UPDATE failed_event
SET status = 'PENDING', attempts = 0, next_attempt_at = CURRENT_TIMESTAMP(3)
WHERE campaign_id = %(campaign_id)s AND status = 'DEAD' AND reason = 'SERIAL_TAKEN'
