-- Included: has a campaign lost a key, though its hash is there? Reads only.
--
-- `applied_user`, `coupon_count`, `returned`  its keys (see admission/admit.lua)
-- Returns true when it has: serials would be given again.
--
-- The epoch is in the hash only. A server may keep that and lose the rest: by a move of a slot that
-- was given up half-way, by an eviction, by hand. A campaign that was opened has a count, and the
-- users of what was given and not given back.
local function is_incomplete(applied_user, coupon_count, returned)
  if redis.call('EXISTS', applied_user, coupon_count) == 2 then
    return false
  end
  local count = redis.call('GET', coupon_count)
  return not count or tonumber(count) > redis.call('LLEN', returned)
end
