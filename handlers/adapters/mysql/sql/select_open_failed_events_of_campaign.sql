-- What waits in failed_event for one campaign, or was given up. A locking read without SKIP
-- LOCKED: it waits for a redrive that is writing one of these, so that whoever reads the coupons
-- after this sees what became of it.
SELECT payload FROM failed_event
WHERE campaign_id = %(campaign_id)s AND status <> 'RESOLVED'
ORDER BY id
FOR UPDATE
