-- A page of a campaign's coupons, to be erased.
SELECT serial, user_id FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial > %(after)s
ORDER BY serial
LIMIT %(limit)s
FOR UPDATE
