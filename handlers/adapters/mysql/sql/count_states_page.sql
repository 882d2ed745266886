-- How many coupons of a page of serials are in each state by MySQL's clock: all, usable, reserved,
-- used, expired, revoked, and those that have returned their place. Each has a condition of its own, so
-- that a row that fits none or two is seen (law.py); coupon_state.py has the same rules for one coupon.
SELECT COUNT(*),
       COALESCE(SUM(is_free AND ends_at > NOW(3)), 0),
       COALESCE(SUM(state = 'RESERVED' AND order_id IS NOT NULL AND given_back = 0
                    AND reserved_until > NOW(3)), 0),
       COALESCE(SUM(state = 'USED' AND order_id IS NOT NULL AND given_back = 0
                    AND used_at IS NOT NULL), 0),
       COALESCE(SUM(is_free AND ends_at <= NOW(3)), 0),
       COALESCE(SUM(state = 'REVOKED' AND order_id IS NULL), 0),
       COALESCE(SUM(state = 'REVOKED' AND EXISTS (
           SELECT 1 FROM coupon_event AS e
           WHERE e.campaign_id = %(campaign_id)s AND e.serial = page.serial
             AND e.kind IN ('REVOKED', 'GIVEN_BACK')
             AND JSON_EXTRACT(e.detail, '$.place') IS NOT NULL
       )), 0)
FROM (
    SELECT k.serial, k.state, k.order_id, k.reserved_until, k.used_at, k.given_back,
           k.given_back = 0 AND (
               k.state = 'ISSUED' AND k.order_id IS NULL
               OR k.state = 'RESERVED' AND k.order_id IS NOT NULL AND k.reserved_until <= NOW(3)
           ) AS is_free,
           LEAST(COALESCE(c.usable_until, CAST('9999-12-31' AS DATETIME(3))),
                 COALESCE(k.admitted_at + INTERVAL c.usable_days DAY,
                          CAST('9999-12-31' AS DATETIME(3)))) AS ends_at
    FROM coupon AS k
    JOIN campaign AS c ON c.id = k.campaign_id
    WHERE k.campaign_id = %(campaign_id)s AND k.serial > %(after)s AND k.serial <= %(through)s
) AS page
