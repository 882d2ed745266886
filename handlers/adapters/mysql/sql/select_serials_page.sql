-- Who has the serials of one section, by serial: as many rows at most as it has serials.
SELECT serial, user_id FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial > %(after)s AND serial <= %(through)s
ORDER BY serial
