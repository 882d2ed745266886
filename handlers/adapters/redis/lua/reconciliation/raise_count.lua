-- Raise the count: to the highest serial that a user holds, so that it is not given again.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""
-- Returns {NOT_FOUND} or {STALE}, else {OK, 1 when it was raised, else 0}
--
-- Never above the quantity: a serial beyond it is wrong itself, and MySQL takes none.
-- include epoch/why_closed.lua
local c = redis.call('HMGET', KEYS[1], 'quantity', 'epoch')
local closed = why_closed(c[2], ARGV[1])
if closed then
  return {closed}
end
local held = redis.call('ZRANGE', KEYS[2], c[1], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1,
  'WITHSCORES')
if tonumber(held[2] or '0') <= tonumber(redis.call('GET', KEYS[3]) or '0') then
  return {'OK', 0}
end
redis.call('SET', KEYS[3], held[2])
return {'OK', 1}
