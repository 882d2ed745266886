-- The campaigns of which MySQL has a user's id. The coupons are looked up once for each campaign, by
-- their UNIQUE key; failed_event is small, and its index has both columns.
SELECT k.campaign_id
FROM campaign AS c
STRAIGHT_JOIN coupon AS k FORCE INDEX (coupon_one_per_person)
           ON k.campaign_id = c.id AND k.user_id = %(user_id)s
UNION
SELECT campaign_id FROM failed_event FORCE INDEX (failed_event_of_user)
WHERE user_id = %(user_id)s
UNION
SELECT campaign_id FROM coupon_event WHERE actor = %(user_id)s
