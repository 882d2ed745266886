-- What a user did in a campaign was done by the pseudonym.
UPDATE coupon_event SET actor = %(pseudonym)s
WHERE actor = %(user_id)s AND campaign_id = %(campaign_id)s
