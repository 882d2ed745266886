-- Snapshot: the counters of a campaign at one moment. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""
-- Returns {NOT_FOUND} or {STALE}, else {OK, fence, quantity, count, highest serial held, now_ms,
--   places_returned}
-- include epoch/why_closed.lua
local c = redis.call('HMGET', KEYS[1], 'quantity', 'epoch', 'fence', 'places_returned')
local closed = why_closed(c[2], ARGV[1])
if closed then
  return {closed}
end
local time = redis.call('TIME')
local highest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
return {'OK', tonumber(c[3] or '0'), tonumber(c[1]), tonumber(redis.call('GET', KEYS[3]) or '0'),
  tonumber(highest[2] or '0'), time[1] * 1000 + math.floor(time[2] / 1000),
  tonumber(c[4] or '0')}
