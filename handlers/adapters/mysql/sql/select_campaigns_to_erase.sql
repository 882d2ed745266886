-- Campaigns whose users are to be erased: by MySQL's clock they ended long enough ago, and no run has
-- come to the end of them since. A campaign may have been opened again.
SELECT c.id FROM campaign AS c
WHERE c.closes_at < CURRENT_TIMESTAMP(3) - INTERVAL %(days)s DAY
  AND NOT EXISTS (
      SELECT 1 FROM coupon_event AS e
      WHERE e.campaign_id = c.id AND e.serial IS NULL AND e.kind = 'ERASED'
        AND e.created_at >= c.closes_at + INTERVAL %(days)s DAY
  )
ORDER BY c.closes_at, c.id
LIMIT %(limit)s
