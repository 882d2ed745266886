-- Write a batch of coupons in one statement. %(rows)s: JSON array of
-- [campaign_id, user_id, serial, code, admitted_at, fence], sorted as all writers sort them
-- (ledger.py). %(campaign_ids)s: the campaigns of these rows.
--
-- The schema's third guard is the join: no coupon without its campaign, none above its quantity and
-- the places that were returned.
-- A row that violates a UNIQUE key changes nothing and counts 0; classify_coupons.sql then says
-- why. Unlike with IGNORE, every other error is an error.
-- A row with a fence counts only under the campaign's present one; a fence of 0 is not compared.
-- The campaigns are locked until the commit, so a fence is raised before this or waits for it.
-- ORDER BY, since the optimizer may read the campaigns first: all writers lock rows in one order.
-- JSON_TABLE's columns are longer than coupon's by one: MariaDB cuts a text that is too long here
-- without a word, and INSERT does not.
-- The explicit collations make the comparison binary under any collation of the connection.
INSERT INTO coupon (campaign_id, user_id, serial, code, admitted_at)
SELECT r.campaign_id, r.user_id, r.serial, r.code, r.admitted_at
FROM JSON_TABLE(%(rows)s, '$[*]' COLUMNS (
         n           FOR ORDINALITY,
         campaign_id VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[0]',
         user_id     VARCHAR(65) CHARACTER SET utf8mb4 PATH '$[1]',
         serial      BIGINT      PATH '$[2]',
         code        VARCHAR(17) CHARACTER SET utf8mb4 PATH '$[3]',
         admitted_at VARCHAR(24) CHARACTER SET utf8mb4 PATH '$[4]',
         fence       BIGINT      PATH '$[5]'
     )) AS r
JOIN (
         SELECT id, quantity + places_returned AS last_serial, fence FROM campaign
         WHERE id IN %(campaign_ids)s
         LOCK IN SHARE MODE
     ) AS c
  ON c.id = r.campaign_id COLLATE utf8mb4_bin
 AND r.serial BETWEEN 1 AND c.last_serial
 AND (r.fence = 0 OR r.fence = c.fence)
ORDER BY r.n
ON DUPLICATE KEY UPDATE serial = coupon.serial
