-- The seconds since a campaign was created, by MySQL's own clock.
SELECT TIMESTAMPDIFF(MICROSECOND, created_at, CURRENT_TIMESTAMP(3)) / 1000000
FROM campaign
WHERE id = %(id)s
