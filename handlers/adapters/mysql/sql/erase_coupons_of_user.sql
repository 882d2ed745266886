-- A user's coupons belong to the pseudonym.
UPDATE coupon SET user_id = %(pseudonym)s
WHERE campaign_id = %(campaign_id)s AND user_id = %(user_id)s
