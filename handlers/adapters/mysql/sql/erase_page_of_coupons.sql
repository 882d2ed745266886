-- Coupons of a campaign belong to pseudonyms. %(rows)s: JSON array of [serial, user_id, pseudonym].
UPDATE coupon AS k
JOIN JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         serial    INT         PATH '$[0]',
         pseudonym VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[2]'
     )) AS r
  ON k.serial = r.serial
SET k.user_id = r.pseudonym
WHERE k.campaign_id = %(campaign_id)s
