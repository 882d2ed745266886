-- A page of the ids of one campaign's failed events. The index has all that is asked for: no row is
-- read, whose payload may be long. Without the hint MySQL may walk all campaigns' rows by id.
SELECT id FROM failed_event FORCE INDEX (failed_event_of_user)
WHERE campaign_id = %(campaign_id)s AND id > %(after)s
ORDER BY id
LIMIT %(limit)s
