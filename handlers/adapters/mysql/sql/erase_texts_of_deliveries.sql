-- The reason of a change of a coupon is what webhooks are sent, too; one that has the id of the
-- coupon's user is erased as a whole. The events name the deliveries (webhook_event.event_id).
-- %(rows)s as in erase_page_of_coupons.sql.
UPDATE JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
           serial  INT         PATH '$[0]',
           user_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[1]'
       )) AS r
STRAIGHT_JOIN coupon_event AS e
        ON e.campaign_id = %(campaign_id)s
       AND e.serial = r.serial
       AND e.reason IS NOT NULL
STRAIGHT_JOIN webhook AS w
STRAIGHT_JOIN webhook_delivery AS d
        ON d.webhook_id = w.id
       AND d.event_id = CONVERT(
               CONCAT(
                   CASE e.kind
                       WHEN 'USED' THEN 'coupon_redeemed'
                       WHEN 'RELEASED' THEN 'coupon_released'
                       WHEN 'CANCELLED' THEN 'coupon_released'
                       ELSE 'coupon_revoked'
                   END,
                   ':', e.campaign_id, ':', e.serial, ':', e.id
               ) USING ascii
           ) COLLATE ascii_bin
SET d.detail = JSON_SET(d.detail, '$.reason', '(erased)')
WHERE LOCATE(
          r.user_id COLLATE utf8mb4_bin,
          JSON_UNQUOTE(JSON_EXTRACT(d.detail, '$.reason')) COLLATE utf8mb4_bin
      ) > 0
