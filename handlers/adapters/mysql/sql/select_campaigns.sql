-- One campaign, or all when %(id)s is NULL.
SELECT id, name, quantity, opens_at, closes_at, fence, rate_per_address, rules,
       releases, benefit, usable_from, usable_until, usable_days, time_zone, paused, version,
       places_returned, erased_users
FROM campaign
WHERE id = %(id)s OR %(id)s IS NULL
ORDER BY id
