"""The report of a campaign: how its coupons were given and used, in words and as a picture."""
