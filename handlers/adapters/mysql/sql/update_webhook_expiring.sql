-- When these coupons are looked at again; NULL for those that have ended.
UPDATE webhook_expiring
SET due_at = (
        SELECT CASE {effective_state}
                   WHEN 'RESERVED' THEN coupon.reserved_until
                   WHEN 'ISSUED' THEN
                       COALESCE(campaign.usable_until,
                                coupon.admitted_at + INTERVAL campaign.usable_days DAY)
               END
        FROM coupon
        JOIN campaign ON campaign.id = coupon.campaign_id
        WHERE coupon.campaign_id = webhook_expiring.campaign_id
          AND coupon.serial = webhook_expiring.serial
    )
WHERE campaign_id = %(campaign_id)s AND serial IN %(serials)s
