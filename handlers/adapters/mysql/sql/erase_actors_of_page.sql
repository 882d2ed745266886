-- What these users did to their coupons was done by their pseudonyms. %(rows)s as in
-- erase_page_of_coupons.sql.
UPDATE coupon_event AS e
JOIN JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         user_id   VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[1]',
         pseudonym VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[2]'
     )) AS r
  ON e.actor = r.user_id COLLATE utf8mb4_bin
SET e.actor = r.pseudonym
WHERE e.campaign_id = %(campaign_id)s
