-- These coupons have been looked at. When to look again:
--   more have passed their time (%(has_more)s): at once
--   one comes that has not: when its time ends
--   none comes, and all end at one time: a minute later, for rows of the last minute; then never,
--   since rows that come so late are in webhook_expiring
--   none comes, and each has days: in an hour, and none that comes until then ends earlier
UPDATE webhook_expiry
JOIN campaign ON campaign.id = webhook_expiry.campaign_id
SET walked_at = %(walked_at)s,
    walked_serial = %(walked_serial)s,
    due_at = CASE
        WHEN %(has_more)s THEN webhook_expiry.due_at
        WHEN %(next_serial)s IS NOT NULL THEN (
            SELECT COALESCE(campaign.usable_until,
                            coupon.admitted_at + INTERVAL campaign.usable_days DAY)
            FROM coupon
            WHERE coupon.campaign_id = %(campaign_id)s AND coupon.serial = %(next_serial)s
        )
        WHEN campaign.usable_days IS NOT NULL THEN CURRENT_TIMESTAMP(3) + INTERVAL 1 HOUR
        WHEN campaign.usable_until + INTERVAL %(finished_s)s SECOND > CURRENT_TIMESTAMP(3)
            THEN campaign.usable_until + INTERVAL %(finished_s)s SECOND
    END
WHERE webhook_expiry.campaign_id = %(campaign_id)s
