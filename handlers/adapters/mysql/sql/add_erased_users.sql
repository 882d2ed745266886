-- Count users of a campaign who were erased: Redis then asks for pseudonyms.
UPDATE campaign SET erased_users = erased_users + %(users)s WHERE id = %(campaign_id)s
