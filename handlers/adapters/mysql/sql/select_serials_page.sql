-- The owners of a page of serials, by serial: at most as many rows as the page has serials.
SELECT serial, user_id FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial > %(after)s AND serial <= %(through)s
ORDER BY serial
