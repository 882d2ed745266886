-- Its receiver takes events again.
UPDATE webhook SET failures = 0, paused_until = CURRENT_TIMESTAMP(3)
WHERE id = %(id)s AND failures > 0
