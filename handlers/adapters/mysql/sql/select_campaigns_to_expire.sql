-- Campaigns whose next look for expired coupons is due (webhook_expiry), if a webhook wants to hear
-- of it. No coupon is read. A campaign is first looked at once its coupons can be past their time.
SELECT c.id
FROM campaign AS c
LEFT JOIN webhook_expiry AS e ON e.campaign_id = c.id
WHERE (c.usable_days IS NOT NULL OR c.usable_until <= CURRENT_TIMESTAMP(3))
  AND (e.campaign_id IS NULL OR e.due_at <= CURRENT_TIMESTAMP(3))
  AND EXISTS (
          SELECT 1 FROM webhook AS w
          WHERE w.state = 'ACTIVE' AND FIND_IN_SET('coupon.expired', w.kinds)
      )
ORDER BY e.due_at, c.id
LIMIT %(limit)s
