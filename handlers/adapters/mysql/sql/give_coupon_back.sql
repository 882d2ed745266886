-- Take a coupon from its user, if it is still as it was read. The user may have another one then, with
-- the code of this one.
UPDATE coupon
SET state = 'REVOKED', order_id = NULL, reserved_until = NULL,
    given_back = serial, code = %(code)s
WHERE campaign_id = %(campaign_id)s AND serial = %(serial)s
  AND state = %(was_state)s AND order_id <=> %(was_order_id)s
  AND reserved_until <=> %(was_reserved_until)s AND given_back = 0
