-- Make pending: let the relay send admissions whose rows are missing in MySQL.
--
-- KEYS  1 campaign  2 applied_user  3 pending (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""  2… pairs: user id, serial
-- Returns {NOT_FOUND} or {STALE}, else {OK, how many became pending}
--
-- Only a user who still holds exactly that serial and is not pending becomes pending, from now on:
-- the time of the admission is lost. A coupon that MySQL has meanwhile is sent once too often,
-- which is harmless.
-- include epoch/why_closed.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local closed = why_closed(epoch, ARGV[1])
if closed then
  return {closed}
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local made = 0
for i = 2, #ARGV, 2 do
  local serial = redis.call('ZSCORE', KEYS[2], ARGV[i])
  if serial and tonumber(serial) == tonumber(ARGV[i + 1]) then
    made = made + redis.call('ZADD', KEYS[3], 'NX', now_ms, ARGV[i])
  end
end
return {'OK', made}
