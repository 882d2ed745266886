-- A page of coupons by serial, each with its state at this moment.
SELECT coupon.serial, coupon.user_id, coupon.code, coupon.admitted_at, coupon.created_at,
       {effective_state}, coupon.order_id, coupon.reserved_until, coupon.used_at
FROM campaign
JOIN coupon ON coupon.campaign_id = campaign.id
WHERE campaign.id = %(campaign_id)s AND coupon.serial > %(after)s
ORDER BY coupon.serial
LIMIT %(limit)s
