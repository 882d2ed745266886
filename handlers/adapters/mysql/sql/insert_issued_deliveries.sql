-- The outbox for coupon.issued: a row for each coupon of %(rows)s (as in insert_coupons.sql) that
-- is stored, and each webhook that wants it. What is refused is not in `coupon`, so it has no row.
-- A redelivered record has the same event_id and adds nothing; nor is a webhook sent what happened
-- before there was the webhook, or a week ago: an operator may have deleted the row of that.
INSERT INTO webhook_delivery
    (webhook_id, event_id, kind, campaign_id, serial, code, occurred_at, expires_at)
SELECT w.id, CONCAT('coupon_issued:', k.campaign_id, ':', k.serial), 'coupon.issued',
       k.campaign_id, k.serial, k.code, k.created_at, CURRENT_TIMESTAMP(3) + INTERVAL 3 DAY
FROM JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         n           FOR ORDINALITY,
         campaign_id VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[0]',
         user_id     VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[1]',
         serial      BIGINT      PATH '$[2]'
     )) AS r
JOIN coupon AS k
  ON k.campaign_id = r.campaign_id COLLATE utf8mb4_bin
 AND k.serial = r.serial
 AND k.user_id = r.user_id COLLATE utf8mb4_bin
JOIN webhook AS w
  ON w.state = 'ACTIVE' AND FIND_IN_SET('coupon.issued', w.kinds) AND w.created_at <= k.created_at
WHERE k.created_at >= CURRENT_TIMESTAMP(3) - INTERVAL 7 DAY
ORDER BY w.id, r.n
ON DUPLICATE KEY UPDATE event_id = webhook_delivery.event_id
