-- Coupons of %(rows)s (as in insert_coupons.sql) that are not found in their turn, as the order of
-- rows is not that of their expiry: the row was written long after the admission, or about when the
-- coupon's time ends or later.
INSERT INTO webhook_expiring (campaign_id, serial, due_at)
SELECT k.campaign_id, k.serial,
       COALESCE(c.usable_until, k.admitted_at + INTERVAL c.usable_days DAY)
FROM JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         n           FOR ORDINALITY,
         campaign_id VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[0]',
         serial      BIGINT      PATH '$[2]'
     )) AS r
JOIN campaign AS c
  ON c.id = r.campaign_id COLLATE utf8mb4_bin
 AND (c.usable_days IS NOT NULL OR c.usable_until IS NOT NULL)
JOIN coupon AS k
  ON k.campaign_id = c.id
 AND k.serial = r.serial
 AND (
         k.created_at > k.admitted_at + INTERVAL %(late_s)s SECOND AND c.usable_days IS NOT NULL
      OR k.created_at > COALESCE(c.usable_until, k.admitted_at + INTERVAL c.usable_days DAY)
                        - INTERVAL %(settled_s)s SECOND
     )
ORDER BY r.n
ON DUPLICATE KEY UPDATE serial = webhook_expiring.serial
