-- Announce return: serials will be given back soon, so no process may cache a rejection any more.
--
-- KEYS  1 campaign  hash  returning_until_ms: until then winners_if_closed.lua answers OPEN
-- ARGV  1 "1" to check the epoch, or ""  2 how long the announcement lasts, in ms
-- Returns {NOT_FOUND} or {STALE}, else {OK}
-- include epoch/why_closed.lua
local closed = why_closed(redis.call('HGET', KEYS[1], 'epoch'), ARGV[1])
if closed then
  return {closed}
end
local time = redis.call('TIME')
local until_ms = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
redis.call('HSET', KEYS[1], 'returning_until_ms', string.format('%.0f', until_ms))
return {'OK'}
