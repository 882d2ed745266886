-- A user's failed events of a campaign. It waits for a redrive that is writing one of them.
SELECT id, status, reason, record_key, payload, detail FROM failed_event
WHERE campaign_id = %(campaign_id)s AND user_id = %(user_id)s
ORDER BY id
FOR UPDATE
