-- Give back: serials of an open campaign that nothing needs any more, for the next applicants.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""  2… serials, in one order for each attempt
-- Returns {NOT_FOUND}, or {STALE} also without a valid announcement (announce_return.lua), else
--   {OK, how many were given back}
--
-- The caller has proven that neither Kafka nor MySQL has them and that they are not in `returned`,
-- and holds the lock of the rebuild, so nothing else appends to `returned`. What changes meanwhile is
-- checked here: whether a user holds one. A repeat of this call finds its serials at the end.
-- include epoch/why_closed.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'returning_until_ms')
local closed = why_closed(campaign[1], ARGV[1])
if closed then
  return {closed}
end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) >= tonumber(campaign[2] or '0') then
  return {'STALE'}
end
local count, given = tonumber(redis.call('GET', KEYS[3]) or '0'), 0
for i = 2, #ARGV do
  local serial = ARGV[i]
  if tonumber(serial) <= count and redis.call('ZCOUNT', KEYS[2], serial, serial) == 0
    and not redis.call('LPOS', KEYS[4], serial, 'RANK', -1, 'MAXLEN', #ARGV - 1) then
    redis.call('RPUSH', KEYS[4], serial)
    given = given + 1
  end
end
return {'OK', given}
