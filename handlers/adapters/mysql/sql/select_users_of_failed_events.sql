-- A page of the users of one campaign's failed events.
SELECT DISTINCT user_id FROM failed_event
WHERE campaign_id = %(campaign_id)s AND user_id > %(after)s
ORDER BY user_id
LIMIT %(limit)s
