-- Lookup users: what Redis knows about many users at one moment. Reads only.
--
-- KEYS  1 campaign  2 applied_user  3 pending (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""  2… user ids
-- Returns {NOT_FOUND} or {STALE}, else {OK, serial or "", pending since ms or "", serial, …}
-- include epoch/why_closed.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local closed = why_closed(epoch, ARGV[1])
if closed then
  return {closed}
end
local result = {'OK'}
for i = 2, #ARGV do
  result[#result + 1] = redis.call('ZSCORE', KEYS[2], ARGV[i]) or ''
  result[#result + 1] = redis.call('ZSCORE', KEYS[3], ARGV[i]) or ''
end
return result
