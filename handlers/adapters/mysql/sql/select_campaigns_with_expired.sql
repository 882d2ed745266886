-- Campaigns whose next coupon to look at is past its time (webhook_expiry), if a webhook wants to
-- hear of it.
SELECT c.id
FROM campaign AS c
LEFT JOIN webhook_expiry AS e ON e.campaign_id = c.id
JOIN coupon AS k
  ON k.campaign_id = c.id
 AND k.serial = (
         SELECT MIN(next.serial) FROM coupon AS next
         WHERE next.campaign_id = c.id AND next.serial > COALESCE(e.serial, 0)
     )
WHERE (c.usable_until IS NOT NULL OR c.usable_days IS NOT NULL)
  AND COALESCE(c.usable_until, k.admitted_at + INTERVAL c.usable_days DAY) <= CURRENT_TIMESTAMP(3)
  AND NOT (k.state = 'RESERVED' AND k.reserved_until > CURRENT_TIMESTAMP(3))
  AND EXISTS (
          SELECT 1 FROM webhook AS w
          WHERE w.state = 'ACTIVE' AND FIND_IN_SET('coupon.expired', w.kinds)
      )
ORDER BY c.id
