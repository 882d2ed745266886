-- For each row of a batch, what is stored: the campaign's last serial and fence, the serial that this
-- user has, user and code of this serial's coupon, and the owner of the coupon with this user's code
-- (each NULL where there is none); and whether this user has given back the coupon of this admission.
-- %(rows)s as in insert_coupons.sql; `n` counts the rows from 1.
-- An erased user's coupon belongs to a pseudonym, and keeps its code.
SELECT r.n, c.quantity + c.places_returned, c.fence, mine.serial, taken.user_id, taken.code,
       coded.user_id,
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
         code        VARCHAR(17) CHARACTER SET utf8mb4 PATH '$[3]',
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
LEFT JOIN coupon AS coded
       ON coded.code = CONVERT(r.code USING ascii) COLLATE ascii_bin
      AND coded.campaign_id = r.campaign_id COLLATE utf8mb4_bin
ORDER BY r.n
