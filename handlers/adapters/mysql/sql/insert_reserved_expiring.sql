-- Those that an order has reserved are looked at when the reservation ends.
INSERT INTO webhook_expiring (campaign_id, serial, due_at)
SELECT coupon.campaign_id, coupon.serial, coupon.reserved_until
FROM coupon
JOIN campaign ON campaign.id = coupon.campaign_id
WHERE coupon.campaign_id = %(campaign_id)s
  AND coupon.serial IN %(serials)s
  AND {effective_state} = 'RESERVED'
ON DUPLICATE KEY UPDATE due_at = coupon.reserved_until
