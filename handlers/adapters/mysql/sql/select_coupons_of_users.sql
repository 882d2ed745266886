-- For each of some holders: the serial of the coupon, and the status of the failed event unless it
-- is resolved (each NULL where there is none). %(users)s: JSON array of user ids, or of the name that
-- holds a coupon that was given back: a blank and the serial.
--
-- One statement, so one moment: a redrive moves a user from one table to the other. Of several
-- failed events the one that waits counts: 'PENDING' > 'DEAD'.
SELECT r.user_id, COALESCE(mine.serial, given.serial),
       (SELECT MAX(f.status) FROM failed_event AS f
        WHERE f.campaign_id = %(campaign_id)s
          AND f.user_id = r.user_id COLLATE utf8mb4_bin
          AND f.status <> 'RESOLVED')
FROM JSON_TABLE(%(users)s, '$[*]' COLUMNS (user_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$')) AS r
LEFT JOIN coupon AS mine
       ON mine.campaign_id = %(campaign_id)s
      AND mine.user_id = r.user_id COLLATE utf8mb4_bin
      AND mine.given_back = 0
LEFT JOIN coupon AS given
       ON r.user_id LIKE ' %%'
      AND given.campaign_id = %(campaign_id)s
      AND given.serial = CAST(SUBSTR(r.user_id, 2) AS UNSIGNED)
      AND given.given_back = given.serial
