-- A page of the events of a campaign and of its coupons, behind a position: the time, the source
-- (0: a coupon was issued, 1: coupon_event) and the number in it. Each source gives its own first
-- rows behind that position, and the first ones of both are the page.
-- %(…_number)s: rows of the position's own time begin behind this number of that source.
-- With the hints each part reads an index in the order of time, and as many rows as the page has.
SELECT created_at, source, number, kind, serial, actor, order_id, reason, detail
FROM (
    SELECT created_at, 0 AS source, serial AS number, 'ISSUED' AS kind, serial, user_id AS actor,
           NULL AS order_id, NULL AS reason, NULL AS detail
    FROM (
        SELECT created_at, serial, user_id
        FROM coupon FORCE INDEX (coupon_by_time)
        WHERE campaign_id = %(campaign_id)s AND created_at >= %(at)s
          AND (created_at > %(at)s OR serial > %(coupon_number)s)
        ORDER BY created_at, serial
        LIMIT %(limit)s
    ) AS issued
    UNION ALL
    SELECT created_at, 1, id, kind, serial, actor, order_id, reason, detail
    FROM (
        SELECT created_at, id, kind, serial, actor, order_id, reason, detail
        FROM coupon_event FORCE INDEX (coupon_event_by_time)
        WHERE campaign_id = %(campaign_id)s AND created_at >= %(at)s
          AND (created_at > %(at)s OR id > %(event_number)s)
        ORDER BY created_at, id
        LIMIT %(limit)s
    ) AS changed
) AS page
ORDER BY created_at, source, number
LIMIT %(limit)s
