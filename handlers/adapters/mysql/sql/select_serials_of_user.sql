-- A user's coupons of a campaign, under the id and under the pseudonym.
SELECT serial, user_id, given_back FROM coupon
WHERE campaign_id = %(campaign_id)s AND user_id IN (%(user_id)s, %(pseudonym)s)
ORDER BY serial
FOR UPDATE
