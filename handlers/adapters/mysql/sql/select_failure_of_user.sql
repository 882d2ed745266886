-- Whether a user's admission is in failed_event and no redrive will retry it.
SELECT 1 FROM failed_event
WHERE campaign_id = %(campaign_id)s AND user_id = %(user_id)s AND status = 'DEAD'
LIMIT 1
