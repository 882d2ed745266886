-- The counts of the coupons with some serials, as (what, number, state, how many). `number` is
--   GIVEN     the time of the admission, in %(given_width_ms)s since 1970; by state
--   REDEEMED  the time of the use, in %(redeemed_width_ms)s since 1970
--   ISSUED_IN, USED_IN  milliseconds from the admission to the row, and from there to the use, to
--             three digits: so there are few different ones, and the error is 0.5 % at most
-- One statement, so one moment; it reads the primary key between two serials.
WITH page AS (
    SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', coupon.admitted_at) DIV 1000 AS admitted_ms,
           TIMESTAMPDIFF(MICROSECOND, '1970-01-01', coupon.created_at) DIV 1000 AS created_ms,
           IF(coupon.state = 'USED',
              TIMESTAMPDIFF(MICROSECOND, '1970-01-01', coupon.used_at) DIV 1000, NULL) AS used_ms,
           {effective_state} AS state
    FROM campaign
    JOIN coupon ON coupon.campaign_id = campaign.id
    WHERE campaign.id = %(campaign_id)s
      AND coupon.serial > %(after)s AND coupon.serial <= %(through)s
),
delay AS (
    SELECT 'ISSUED_IN' AS what, created_ms - admitted_ms AS ms FROM page
    UNION ALL
    SELECT 'USED_IN', used_ms - created_ms FROM page WHERE used_ms IS NOT NULL
)
SELECT 'GIVEN' AS what, admitted_ms DIV %(given_width_ms)s AS number, state, COUNT(*)
FROM page
GROUP BY number, state
UNION ALL
SELECT 'REDEEMED', used_ms DIV %(redeemed_width_ms)s AS number, 'USED', COUNT(*)
FROM page
WHERE used_ms IS NOT NULL
GROUP BY number
UNION ALL
SELECT what, ROUND(ms, 2 - FLOOR(LOG10(ABS(ms) + 1))) AS number, '', COUNT(*)
FROM delay
GROUP BY what, number
