-- How many coupons of a campaign a user has given back.
SELECT COUNT(*) FROM coupon
WHERE campaign_id = %(campaign_id)s AND user_id = %(user_id)s AND given_back > 0
