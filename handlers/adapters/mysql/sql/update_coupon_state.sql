-- Change a coupon that is still as it was read: of two at once, the second changes nothing. Nor does
-- an order take one whose time has ended since (%(ends_at)s), as that may be announced by now. By the
-- clock once the row is locked, which is SYSDATE: the others say when the statement began.
UPDATE coupon
SET state = %(state)s, order_id = %(order_id)s,
    reserved_until = %(reserved_until)s, used_at = %(used_at)s
WHERE campaign_id = %(campaign_id)s AND serial = %(serial)s
  AND state = %(was_state)s AND order_id <=> %(was_order_id)s
  AND reserved_until <=> %(was_reserved_until)s AND given_back = 0
  AND (%(ends_at)s IS NULL OR SYSDATE(3) < %(ends_at)s)
