-- Find: what one campaign still has of a user. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 pending  4 rate (see admit.lua)  5 resent (see overdue.lua)
-- ARGV  1 "1" to check the epoch, or ""  2 user id
-- Returns {NOT_FOUND} or {STALE}, else {OK, fence, serial or "", pending since ms or "", 1 where any
--   key has the user, or 0}
-- include epoch/why_closed.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
local closed = why_closed(campaign[1], ARGV[1])
if closed then
  return {closed}
end
local user = ARGV[2]
local serial, pending = redis.call('ZSCORE', KEYS[2], user), redis.call('ZSCORE', KEYS[3], user)
local is_known = serial or pending or redis.call('ZSCORE', KEYS[5], user)
  or redis.call('HEXISTS', KEYS[4], 'user:' .. user) == 1
return {'OK', tonumber(campaign[2] or '0'), serial or '', pending or '', is_known and 1 or 0}
