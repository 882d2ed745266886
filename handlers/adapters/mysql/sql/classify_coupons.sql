-- For each row of a batch, what is stored: the campaign's quantity and fence, the serial that this
-- user has, and the user who has this serial (each NULL where there is none). %(rows)s as in
-- insert_coupons.sql; `n` counts the rows from 1.
SELECT r.n, c.quantity, c.fence, mine.serial, taken.user_id
FROM JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         n           FOR ORDINALITY,
         campaign_id VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[0]',
         user_id     VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[1]',
         serial      BIGINT      PATH '$[2]'
     )) AS r
LEFT JOIN campaign AS c
       ON c.id = r.campaign_id COLLATE utf8mb4_bin
LEFT JOIN coupon AS mine
       ON mine.campaign_id = r.campaign_id COLLATE utf8mb4_bin
      AND mine.user_id = r.user_id COLLATE utf8mb4_bin
LEFT JOIN coupon AS taken
       ON taken.campaign_id = r.campaign_id COLLATE utf8mb4_bin
      AND taken.serial = r.serial
ORDER BY r.n
