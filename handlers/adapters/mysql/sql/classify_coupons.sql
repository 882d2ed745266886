-- For each row of a batch, what is stored: the campaign's last serial and fence, the serial that this
-- user has, and user and code of this serial's coupon (each NULL where there is none); and whether
-- this user has given back the coupon of this admission. %(rows)s as in insert_coupons.sql; `n`
-- counts the rows from 1.
SELECT r.n, c.quantity + c.places_returned, c.fence, mine.serial, taken.user_id, taken.code,
       EXISTS (
           SELECT 1 FROM coupon AS given
           WHERE given.campaign_id = r.campaign_id COLLATE utf8mb4_bin
             AND given.user_id = r.user_id COLLATE utf8mb4_bin
             AND given.given_back > 0
             AND given.admitted_at = CAST(r.admitted_at AS DATETIME(3))
       )
FROM JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         n           FOR ORDINALITY,
         campaign_id VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[0]',
         user_id     VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[1]',
         serial      BIGINT      PATH '$[2]',
         admitted_at VARCHAR(24) CHARACTER SET utf8mb4 PATH '$[4]'
     )) AS r
LEFT JOIN campaign AS c
       ON c.id = r.campaign_id COLLATE utf8mb4_bin
LEFT JOIN coupon AS mine
       ON mine.campaign_id = r.campaign_id COLLATE utf8mb4_bin
      AND mine.user_id = r.user_id COLLATE utf8mb4_bin
      AND mine.given_back = 0
LEFT JOIN coupon AS taken
       ON taken.campaign_id = r.campaign_id COLLATE utf8mb4_bin
      AND taken.serial = r.serial
ORDER BY r.n
