-- One user's coupon.
SELECT serial, code, admitted_at, created_at FROM coupon
WHERE campaign_id = %(campaign_id)s AND user_id = %(user_id)s
