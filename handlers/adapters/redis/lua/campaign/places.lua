-- Places: how many of the places that MySQL has returned Redis knows of. Reads only.
--
-- KEYS  1 campaign  hash
-- ARGV  1 "1" to check the epoch, or ""
-- Returns {NOT_FOUND} or {STALE}, else {OK, places_returned}
-- include epoch/why_closed.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'places_returned')
local closed = why_closed(campaign[1], ARGV[1])
if closed then
  return {closed}
end
return {'OK', tonumber(campaign[2] or '') or 0}
