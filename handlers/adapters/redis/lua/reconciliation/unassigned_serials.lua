-- Unassigned serials: which of some serials no user holds at this moment. Reads only.
--
-- KEYS  1 campaign  2 applied_user (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""  2… serials
-- Returns {NOT_FOUND} or {STALE}, else {OK, serial, …}
-- include epoch/why_closed.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local closed = why_closed(epoch, ARGV[1])
if closed then
  return {closed}
end
local result = {'OK'}
for i = 2, #ARGV do
  if redis.call('ZCOUNT', KEYS[2], ARGV[i], ARGV[i]) == 0 then
    result[#result + 1] = tonumber(ARGV[i])
  end
end
return result
