-- The coupon of a code, when it can be used, and MySQL's clock. The columns are those of
-- select_coupon_of_user.sql.
SELECT k.campaign_id, k.serial, k.user_id, k.code, k.admitted_at, k.created_at,
       k.state, k.order_id, k.reserved_until, k.used_at, k.given_back,
       c.usable_from, c.usable_until, c.usable_days, c.benefit, NOW(3)
FROM coupon AS k
JOIN campaign AS c ON c.id = k.campaign_id
WHERE k.code = %(code)s
