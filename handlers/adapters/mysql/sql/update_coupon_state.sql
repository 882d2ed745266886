-- Change a coupon that is still as it was read: of two at once, the second changes nothing.
UPDATE coupon
SET state = %(state)s, order_id = %(order_id)s,
    reserved_until = %(reserved_until)s, used_at = %(used_at)s
WHERE campaign_id = %(campaign_id)s AND serial = %(serial)s
  AND state = %(was_state)s AND order_id <=> %(was_order_id)s
  AND reserved_until <=> %(was_reserved_until)s AND given_back = 0
