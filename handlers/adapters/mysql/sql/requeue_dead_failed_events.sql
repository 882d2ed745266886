-- Serials may have become free: whoever was given up because none was left gets another chance.
UPDATE failed_event
SET status = 'PENDING', attempts = 0, next_attempt_at = CURRENT_TIMESTAMP(3)
WHERE campaign_id = %(campaign_id)s AND status = 'DEAD' AND reason = 'SERIAL_TAKEN'
