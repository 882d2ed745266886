-- Status: everything about one campaign at one moment. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""
-- Returns {code}: NOT_FOUND or STALE, else {OK, fence, admitted, pending, remaining,
--   oldest_pending_ms or "", now_ms, …} and the values of the fields in campaign_hash.py,
--   then the change that is noted, if there is one (change/narrow.lua)
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
local c = redis.call('HMGET', KEYS[1], 'epoch', 'fence', 'quantity', 'opens_at_ms', 'closes_at_ms',
  'rate_per_address', 'rules', 'places_returned', 'paused', 'releases', 'erased', 'name', 'version',
  'terms', 'change')
local closed = why_closed(c[1], ARGV[1])
if closed then
  return {closed}
end
if is_incomplete(KEYS[2], KEYS[3], KEYS[4]) then
  return {'STALE'}
end
local time = redis.call('TIME')
local count = tonumber(redis.call('GET', KEYS[3]))
-- Serials above the count that a user holds already (see next_serial.lua) do not remain.
local limit = tonumber(c[3]) + tonumber(c[8] or '0')
local held = redis.call('ZCOUNT', KEYS[2], '(' .. count, limit)
local oldest = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')
return {'OK', tonumber(c[2] or '0'), redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[5]),
  math.max(0, limit - count - held + redis.call('LLEN', KEYS[4])),
  oldest[2] or '', time[1] * 1000 + math.floor(time[2] / 1000), unpack(c, 3, 15)}
