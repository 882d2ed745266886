-- A change of one of these coupons is committed before this, or begins after the commit.
SELECT serial FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial IN %(serials)s
ORDER BY serial
LOCK IN SHARE MODE
