-- For each row of a batch, what is stored: the campaign's quantity and fence, the serial that this
-- user has, the user who has this serial, and the one who has this code (each NULL where there is
-- none). %(rows)s as in insert_coupons.sql; `n` counts the rows from 1.
-- An erased user's row belongs to a pseudonym, and keeps its code.
SELECT r.n, c.quantity, c.fence, mine.serial, taken.user_id, coded.user_id
FROM JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         n           FOR ORDINALITY,
         campaign_id VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[0]',
         user_id     VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[1]',
         serial      BIGINT      PATH '$[2]',
         code        VARCHAR(17) CHARACTER SET utf8mb4 PATH '$[3]'
     )) AS r
LEFT JOIN campaign AS c
       ON c.id = r.campaign_id COLLATE utf8mb4_bin
LEFT JOIN coupon AS mine
       ON mine.campaign_id = r.campaign_id COLLATE utf8mb4_bin
      AND mine.user_id = r.user_id COLLATE utf8mb4_bin
LEFT JOIN coupon AS taken
       ON taken.campaign_id = r.campaign_id COLLATE utf8mb4_bin
      AND taken.serial = r.serial
LEFT JOIN coupon AS coded
       ON coded.code = CONVERT(r.code USING ascii) COLLATE ascii_bin
      AND coded.campaign_id = r.campaign_id COLLATE utf8mb4_bin
ORDER BY r.n
