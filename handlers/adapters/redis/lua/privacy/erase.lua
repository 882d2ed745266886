-- Erase: users become their pseudonyms, after MySQL has done the same.
--
-- KEYS  1 campaign  2 applied_user  3 pending  4 rate (see admit.lua)  5 resent (see overdue.lua)
--       6 returned (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""  2 how many users of the campaign were erased, as MySQL says
--       3 "1" where Redis has the pseudonyms of all of these, or ""
--       4… fours: user id, the serial that the user was seen to hold, pseudonym, its serial (0: none)
-- Returns {NOT_FOUND} or {STALE}, else {OK, user, …}: those who hold another serial than they were
--   seen to hold and are left as they are. They applied meanwhile, so MySQL does not have them yet.
--
-- Why one script: from the moment in which Redis does not know a user, it asks for pseudonyms, and
-- finds this one. The number in `erased` stays below MySQL's while an erasure is half-done, which
-- shows that.
-- include epoch/why_closed.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'erased')
local closed = why_closed(campaign[1], ARGV[1])
if closed then
  return {closed}
end
local result = {'OK'}
local known, count = tonumber(campaign[2] or '') or 0, tonumber(ARGV[2])
if known < count then
  local is_last = ARGV[3] == '1' or known + 1 == count
  redis.call('HSET', KEYS[1], 'erased', is_last and count or math.max(known, 1))
end
for i = 4, #ARGV, 4 do
  local user, seen, pseudonym, serial = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], tonumber(ARGV[i + 3])
  local held = tonumber(redis.call('ZSCORE', KEYS[2], user) or '')
  if held and held ~= seen then
    result[#result + 1] = user
  else
    -- Not a coupon that was given back meanwhile (return_places.lua): no user holds it any more.
    if serial > 0 and not redis.call('ZSCORE', KEYS[2], ' ' .. ARGV[i + 3]) then
      redis.call('ZADD', KEYS[2], serial, pseudonym)
      if not held then
        redis.call('LREM', KEYS[6], 0, serial)
      end
    end
    redis.call('ZREM', KEYS[2], user)
    redis.call('ZREM', KEYS[3], user)
    redis.call('ZREM', KEYS[5], user)
    redis.call('HDEL', KEYS[4], 'user:' .. user)
  end
end
return result
