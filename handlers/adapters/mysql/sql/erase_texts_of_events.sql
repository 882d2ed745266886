-- Free text about a user's coupons that has the user's id is erased as a whole.
UPDATE coupon_event
SET reason = IF(LOCATE(%(user_id)s, reason) > 0, '(erased)', reason),
    detail = IF(LOCATE(%(user_id)s, detail) > 0, '{"erased": true}', detail)
WHERE campaign_id = %(campaign_id)s AND serial IN %(serials)s
  AND (LOCATE(%(user_id)s, reason) > 0 OR LOCATE(%(user_id)s, detail) > 0)
