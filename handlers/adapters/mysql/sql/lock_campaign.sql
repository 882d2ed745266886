-- Wait for the transactions that write coupons of a campaign, and let later ones wait for this one.
SELECT fence FROM campaign WHERE id = %(campaign_id)s FOR UPDATE
