-- The holders of a page of serials as Redis knows them, by serial: at most as many rows as the page
-- has serials. A coupon that its user gave back is held by no user, but under a name of its own.
SELECT serial, IF(given_back = 0, user_id, CONCAT(' ', serial)) FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial > %(after)s AND serial <= %(through)s
ORDER BY serial
