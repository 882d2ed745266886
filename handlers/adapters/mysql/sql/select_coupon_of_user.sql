-- One user's coupon; where the user has given back all, the last one. The columns are those of
-- select_coupon_of_code.sql.
SELECT k.campaign_id, k.serial, k.user_id, k.code, k.admitted_at, k.created_at,
       k.state, k.order_id, k.reserved_until, k.used_at, k.given_back,
       c.usable_from, c.usable_until, c.usable_days, c.benefit, NOW(3)
FROM coupon AS k
JOIN campaign AS c ON c.id = k.campaign_id
WHERE k.campaign_id = %(campaign_id)s AND k.user_id = %(user_id)s
ORDER BY k.given_back = 0 DESC, k.serial DESC
LIMIT 1
