-- One campaign, also once archived; or all others when %(id)s is NULL.
SELECT id, name, quantity, opens_at, closes_at, fence, rate_per_address, rules,
       releases, benefit, usable_from, usable_until, usable_days, time_zone, paused, version,
       places_returned, erased_users, archived_at
FROM campaign
WHERE id = %(id)s OR (%(id)s IS NULL AND archived_at IS NULL)
ORDER BY id
