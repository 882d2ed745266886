-- The next coupons of a campaign in the order in which their rows were written, and whether each is
-- past its time. Rows of the last minute are left for later: one that is written before another may
-- be committed after it.
SELECT k.created_at, k.serial,
       COALESCE(c.usable_until, k.admitted_at + INTERVAL c.usable_days DAY) <= CURRENT_TIMESTAMP(3)
FROM campaign AS c
JOIN coupon AS k
  ON k.campaign_id = c.id
 AND (
         k.created_at = %(walked_at)s AND k.serial > %(walked_serial)s
      OR k.created_at > %(walked_at)s
     )
 AND k.created_at <= CURRENT_TIMESTAMP(3) - INTERVAL %(settled_s)s SECOND
WHERE c.id = %(campaign_id)s
ORDER BY k.created_at, k.serial
LIMIT %(limit)s
