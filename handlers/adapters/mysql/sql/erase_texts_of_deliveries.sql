-- The reason of a change of a user's coupons is what webhooks are sent, too; one that has the user's id
-- is erased as a whole. The events name the deliveries (webhook_event.event_id).
UPDATE webhook AS w
STRAIGHT_JOIN coupon_event AS e
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
WHERE e.campaign_id = %(campaign_id)s AND e.serial IN %(serials)s
  AND LOCATE(%(user_id)s, JSON_UNQUOTE(JSON_EXTRACT(d.detail, '$.reason'))) > 0
