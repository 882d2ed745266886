-- Reassign: a serial for an accepted user whose own serial belongs to another user.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 user id  2 the serial that is taken  3 "1" to check the epoch, or ""
-- Returns {code, serial, fence}: STALE 0 0 | NOT_FOUND 0 0 | SOLD_OUT 0 0 | ASSIGNED serial fence
--
-- Neither the window nor a pause nor a release is checked: the user was accepted before. A user who got a serial here before
-- (in an interrupted attempt) gets the same one; it is pending until MySQL has it.
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
-- include admission/next_serial.lua
local campaign = redis.call('HMGET', KEYS[1], 'quantity', 'epoch', 'fence', 'places_returned')
local closed = why_closed(campaign[2], ARGV[3])
if closed then
  return {closed, 0, 0}
end
local known = redis.call('ZSCORE', KEYS[2], ARGV[1])
if known and tonumber(known) ~= tonumber(ARGV[2]) then
  return {'ASSIGNED', tonumber(known), tonumber(campaign[3] or '0')}
end
if is_incomplete(KEYS[2], KEYS[3], KEYS[4]) then
  return {'STALE', 0, 0}
end
local returned = redis.call('LINDEX', KEYS[4], 0)
local count = tonumber(redis.call('GET', KEYS[3]))
local limit = tonumber(campaign[1]) + tonumber(campaign[4] or '0')
local serial = returned or next_serial(KEYS[2], count, limit)
if not serial then
  return {'SOLD_OUT', 0, 0}
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[5], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
if returned then
  redis.call('LPOP', KEYS[4])
else
  redis.call('SET', KEYS[3], serial)
end
redis.call('ZADD', KEYS[2], serial, ARGV[1])
return {'ASSIGNED', tonumber(serial), tonumber(campaign[3] or '0')}
