-- Free text about coupons that has the id of their user is erased as a whole. %(rows)s as in
-- erase_page_of_coupons.sql. In the JSON of `detail` the id may be escaped.
UPDATE JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
           serial  INT         PATH '$[0]',
           user_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[1]'
       )) AS r
STRAIGHT_JOIN coupon_event AS e
   ON e.campaign_id = %(campaign_id)s AND e.serial = r.serial
SET e.reason = IF(LOCATE(r.user_id COLLATE utf8mb4_bin, e.reason) > 0, '(erased)', e.reason),
    e.detail = IF(
        LOCATE(r.user_id COLLATE utf8mb4_bin, e.detail) > 0
        OR LOCATE(TRIM(BOTH '"' FROM JSON_QUOTE(r.user_id)) COLLATE utf8mb4_bin, e.detail) > 0,
        '{"erased": true}',
        e.detail
    )
WHERE LOCATE(r.user_id COLLATE utf8mb4_bin, e.reason) > 0
   OR LOCATE(r.user_id COLLATE utf8mb4_bin, e.detail) > 0
   OR LOCATE(TRIM(BOTH '"' FROM JSON_QUOTE(r.user_id)) COLLATE utf8mb4_bin, e.detail) > 0
