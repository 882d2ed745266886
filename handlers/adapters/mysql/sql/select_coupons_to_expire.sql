-- The next coupons of a campaign, by serial, and whether each is past its time. One that is reserved
-- is not, since its order may still use it.
SELECT k.serial,
       COALESCE(c.usable_until, k.admitted_at + INTERVAL c.usable_days DAY) <= CURRENT_TIMESTAMP(3)
       AND NOT (k.state = 'RESERVED' AND k.reserved_until > CURRENT_TIMESTAMP(3))
FROM campaign AS c
JOIN coupon AS k
  ON k.campaign_id = c.id
 AND k.serial > (SELECT e.serial FROM webhook_expiry AS e WHERE e.campaign_id = %(campaign_id)s)
WHERE c.id = %(campaign_id)s
ORDER BY k.serial
LIMIT %(limit)s
