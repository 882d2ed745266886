-- These coupons have been looked at.
UPDATE webhook_expiry SET serial = %(last)s WHERE campaign_id = %(campaign_id)s
