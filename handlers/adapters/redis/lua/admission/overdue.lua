-- Overdue: a page of the admissions that are due to be sent again, oldest first; notes when.
--
-- KEYS  1 campaign  2 applied_user  3 pending (see admit.lua)
--       4 resent    sorted set  user id -> when the relay took the admission to send it, in ms
-- ARGV  1 "1" to check the epoch, or ""
--       2 age in ms from which one is overdue; one that was sent is due again after as long
--       3 score and  4 user of the last entry of the page before, "" and "" for the oldest
--       5 how many entries to look at, at most
-- Returns {NOT_FOUND} or {STALE}, else {OK, fence, score and user of its last entry ("" and "" at
--   the end), user, serial, admitted_at_ms, user, …}
--
-- Why one script: two relays at once must not take the same admission. `resent` may be lost: then
-- some are sent once too often. A page begins at a score, since entries leave in between; it holds
-- only what is due, and may be empty before the end.
--
-- An admission from the future was made before the clock was set back, or by a server whose clock
-- was ahead. Its age is unknown, so it is overdue at once, after all others. A note from the future
-- does not count.
-- include epoch/why_closed.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
local closed = why_closed(campaign[1], ARGV[1])
local fence = tonumber(campaign[2] or '0')
if closed then
  return {closed}
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local latest_ms, after_now = now_ms - ARGV[2], '(' .. string.format('%.0f', now_ms)
local from, skip = ARGV[3], 0
if redis.call('ZSCORE', KEYS[3], ARGV[4]) == from then
  skip = redis.call('ZRANK', KEYS[3], ARGV[4]) + 1 - redis.call('ZCOUNT', KEYS[3], '-inf', '(' .. from)
end

local function page(lowest, highest)
  return redis.call('ZRANGE', KEYS[3], lowest, highest, 'BYSCORE', 'LIMIT', skip, ARGV[5],
    'WITHSCORES')
end

local found = {}
if from == '' or tonumber(from) <= latest_ms then
  found = page(from == '' and '-inf' or from, latest_ms)
end
if #found == 0 then
  if from == '' or tonumber(from) <= now_ms then
    from, skip = after_now, 0
  end
  found = page(from, '+inf')
end
if #found == 0 then
  return {'OK', fence, '', ''}
end

local users = {}
for i = 1, #found, 2 do
  users[#users + 1] = found[i]
end
local result = {'OK', fence, found[#found], users[#users]}

-- pcall: while the server rejects writes, everything overdue is still sent.
redis.pcall('ZREMRANGEBYSCORE', KEYS[4], '-inf', latest_ms)
redis.pcall('ZREMRANGEBYSCORE', KEYS[4], after_now, '+inf')
local sent = redis.call('ZMSCORE', KEYS[4], unpack(users))
local serials = redis.call('ZMSCORE', KEYS[2], unpack(users))
local taken = {}
for i, user in ipairs(users) do
  if serials[i] and not sent[i] then
    result[#result + 1] = user
    result[#result + 1] = tonumber(serials[i])
    result[#result + 1] = tonumber(found[2 * i])
    taken[#taken + 1] = now_ms
    taken[#taken + 1] = user
  end
end
if #taken > 0 then
  redis.pcall('ZADD', KEYS[4], unpack(taken))
end
return result
