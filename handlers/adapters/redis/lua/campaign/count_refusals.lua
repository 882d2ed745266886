-- Count refusals: add what a process has counted to the sums of a campaign.
--
-- KEYS  1 campaign  hash (see admit.lua)
--       2 refused   hash  reason -> how many applications; since_ms -> when counting began
-- ARGV  a reason and a number, for each reason
-- Returns 1, or 0 where Redis does not have the campaign.
--
-- Why one script: a campaign that has left Redis must not get the key again, and the time at which
-- counting began must be as old as the counts: after a loss of Redis both begin again.
local EXPIRY_MS = 400 * 24 * 3600 * 1000
if not redis.call('HGET', KEYS[1], 'quantity') then
  return 0
end
local time = redis.call('TIME')
redis.call('HSETNX', KEYS[2], 'since_ms', time[1] * 1000 + math.floor(time[2] / 1000))
for index = 1, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[2], ARGV[index], ARGV[index + 1])
end
redis.call('PEXPIRE', KEYS[2], EXPIRY_MS)
return 1
