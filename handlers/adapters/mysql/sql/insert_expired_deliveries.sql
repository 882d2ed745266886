-- The outbox for coupon.expired: those of %(serials)s that have expired, for each webhook that wants
-- it. A coupon expires when its time ends, or later with the reservation that it had then; one that
-- is released or cancelled afterwards at that moment (%(ends_now)s), and one whose row comes
-- later with its row.
-- Of a week: an operator may delete rows that are older, and they are not announced again.
INSERT INTO webhook_delivery
    (webhook_id, event_id, kind, campaign_id, serial, code, occurred_at, expires_at)
SELECT w.id, CONCAT('coupon_expired:', k.campaign_id, ':', k.serial), 'coupon.expired',
       k.campaign_id, k.serial, k.code, k.occurred_at, CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
FROM (
         SELECT coupon.campaign_id, coupon.serial, coupon.code,
                IF(%(ends_now)s, CURRENT_TIMESTAMP(3), GREATEST(
                    COALESCE(campaign.usable_until,
                             coupon.admitted_at + INTERVAL campaign.usable_days DAY),
                    coupon.created_at,
                    IF(coupon.state = 'RESERVED', coupon.reserved_until, coupon.created_at)
                )) AS occurred_at
         FROM campaign
         JOIN coupon
           ON coupon.campaign_id = campaign.id
          AND coupon.serial IN %(serials)s
         WHERE campaign.id = %(campaign_id)s
           AND {effective_state} = 'EXPIRED'
     ) AS k
JOIN webhook AS w
  ON w.state = 'ACTIVE'
 AND FIND_IN_SET('coupon.expired', w.kinds)
 AND w.created_at <= k.occurred_at
WHERE k.occurred_at >= CURRENT_TIMESTAMP(3) - INTERVAL 7 DAY
ORDER BY w.id, k.serial
ON DUPLICATE KEY UPDATE event_id = webhook_delivery.event_id
