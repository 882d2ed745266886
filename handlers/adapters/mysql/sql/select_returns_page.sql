-- Coupons that have returned their places: number of the place, serial, user where it was given back.
-- The last of all first, from the one before which %(newer)s have come. They are numbered without gaps
-- in the order of their events, so the reading ends with the last one that is wanted.
SELECT JSON_EXTRACT(e.detail, '$.place'), e.serial, IF(k.given_back = 0, NULL, k.user_id)
FROM coupon_event AS e
JOIN coupon AS k ON k.campaign_id = e.campaign_id AND k.serial = e.serial
WHERE e.campaign_id = %(campaign_id)s
  AND e.kind IN ('REVOKED', 'GIVEN_BACK') AND JSON_EXTRACT(e.detail, '$.place') IS NOT NULL
ORDER BY e.id DESC
LIMIT %(newer)s, %(limit)s
