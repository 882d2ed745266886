-- Take the user's id out of a failed event.
UPDATE failed_event
SET user_id = %(user_id)s, record_key = %(record_key)s, payload = %(payload)s,
    status = %(status)s, detail = %(detail)s
WHERE id = %(id)s
