-- A page of coupons by serial.
SELECT serial, user_id, code, admitted_at, created_at FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial > %(after)s
ORDER BY serial
LIMIT %(limit)s
