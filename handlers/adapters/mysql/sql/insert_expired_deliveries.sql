-- The outbox for coupon.expired: the coupons up to %(last)s that were looked at no earlier, and that
-- were neither used nor revoked.
INSERT INTO webhook_delivery
    (webhook_id, event_id, kind, campaign_id, serial, code, occurred_at, expires_at)
SELECT w.id, CONCAT('coupon_expired:', k.campaign_id, ':', k.serial), 'coupon.expired',
       k.campaign_id, k.serial, k.code,
       COALESCE(c.usable_until, k.admitted_at + INTERVAL c.usable_days DAY),
       CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
FROM campaign AS c
JOIN coupon AS k
  ON k.campaign_id = c.id
 AND k.serial > (SELECT e.serial FROM webhook_expiry AS e WHERE e.campaign_id = %(campaign_id)s)
 AND k.serial <= %(last)s
 AND k.state IN ('ISSUED', 'RESERVED')
JOIN webhook AS w
  ON w.state = 'ACTIVE'
 AND FIND_IN_SET('coupon.expired', w.kinds)
 AND w.created_at <= COALESCE(c.usable_until, k.admitted_at + INTERVAL c.usable_days DAY)
WHERE c.id = %(campaign_id)s
ORDER BY w.id, k.serial
ON DUPLICATE KEY UPDATE event_id = webhook_delivery.event_id
