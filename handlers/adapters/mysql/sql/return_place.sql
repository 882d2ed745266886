-- One place more for other applicants.
UPDATE campaign SET places_returned = places_returned + 1 WHERE id = %(campaign_id)s
