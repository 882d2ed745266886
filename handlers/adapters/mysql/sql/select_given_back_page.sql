-- A page of the serials whose users gave the coupon back, by serial.
SELECT serial FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial > %(after)s AND given_back > 0
ORDER BY serial
LIMIT %(limit)s
