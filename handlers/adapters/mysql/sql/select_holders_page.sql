-- The same, with a number of rows for the end of the page.
SELECT serial, IF(given_back = 0, user_id, CONCAT(' ', serial)) FROM coupon
WHERE campaign_id = %(campaign_id)s AND serial > %(after)s
ORDER BY serial
LIMIT %(limit)s
