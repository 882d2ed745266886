-- The webhooks that want coupon.issued or coupon.expired, and which of the two. It is asked before rows
-- are sent for the outbox: a service without webhooks pays for this statement only.
SELECT FIND_IN_SET('coupon.issued', kinds) > 0, FIND_IN_SET('coupon.expired', kinds) > 0
FROM webhook
WHERE state = 'ACTIVE'
  AND (FIND_IN_SET('coupon.issued', kinds) OR FIND_IN_SET('coupon.expired', kinds))
