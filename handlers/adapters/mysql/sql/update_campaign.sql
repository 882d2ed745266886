-- Change a campaign, if it is still as it was read: no other change, no rebuild of Redis since.
UPDATE campaign
SET name = %(name)s, quantity = %(quantity)s, opens_at = %(opens_at)s, closes_at = %(closes_at)s,
    paused = %(paused)s, version = version + 1
WHERE id = %(id)s AND version = %(version)s AND fence = %(fence)s
