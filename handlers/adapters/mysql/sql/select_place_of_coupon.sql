-- The number of the place that this coupon's end has returned; no row where it has returned none.
SELECT JSON_EXTRACT(detail, '$.place') FROM coupon_event
WHERE campaign_id = %(campaign_id)s AND serial = %(serial)s
  AND kind IN ('REVOKED', 'GIVEN_BACK') AND JSON_EXTRACT(detail, '$.place') IS NOT NULL
LIMIT 1
