-- A page of coupons by serial, each with its state at this moment; of one user unless
-- %(user_id)s is NULL.
SELECT coupon.serial, coupon.user_id, coupon.code, coupon.admitted_at, coupon.created_at,
       {effective_state}, coupon.order_id, coupon.reserved_until, coupon.used_at
FROM campaign
JOIN coupon ON coupon.campaign_id = campaign.id
WHERE campaign.id = %(campaign_id)s AND coupon.serial > %(after)s
  AND (%(user_id)s IS NULL OR coupon.user_id = %(user_id)s)
ORDER BY coupon.serial
LIMIT %(limit)s
