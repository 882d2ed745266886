-- A campaign's quantity, the highest serial of its coupons, and the places that were returned; no row
-- for an unknown campaign, or one that was archived.
SELECT c.quantity, (SELECT MAX(serial) FROM coupon WHERE campaign_id = c.id), c.places_returned
FROM campaign AS c
WHERE c.id = %(campaign_id)s AND c.archived_at IS NULL
