-- The number of coupons, and of records that wait in failed_event or were given up.
SELECT (SELECT COUNT(*) FROM coupon WHERE campaign_id = %(campaign_id)s),
       (SELECT COUNT(*) FROM failed_event
        WHERE campaign_id = %(campaign_id)s AND status <> 'RESOLVED')
