-- Snapshot: the counters of a campaign at one moment. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count (see admit.lua)
-- ARGV  1 run_id, or "" to skip the check
-- Returns {NOT_FOUND} or {STALE}, else {OK, epoch, quantity, count, highest serial held, now_ms}
-- include epoch/why_closed.lua
local c = redis.call('HMGET', KEYS[1], 'quantity', 'epoch')
local closed = why_closed(c[1] and c[2], c[2], ARGV[1])
if closed then
  return {closed}
end
local time = redis.call('TIME')
local highest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
return {'OK', c[2], tonumber(c[1]), tonumber(redis.call('GET', KEYS[3]) or '0'),
  tonumber(highest[2] or '0'), time[1] * 1000 + math.floor(time[2] / 1000)}
