-- Archive a campaign whose row is locked, once.
UPDATE campaign SET archived_at = CURRENT_TIMESTAMP(3), version = version + 1
WHERE id = %(id)s AND archived_at IS NULL
