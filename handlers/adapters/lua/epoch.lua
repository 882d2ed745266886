-- Epoch: does this Redis still know the world it was set up for? Reads only.
--
-- KEYS  1 epoch  string (see begin_epoch.lua)
-- ARGV  1 run_id, or "" to skip the comparison
-- Returns 1 when the epoch is there and of this run, else 0: something may be forgotten.
local epoch = redis.call('GET', KEYS[1])
if not epoch or string.sub(epoch, 1, 11) == 'rebuilding:' then
  return 0
end
return (ARGV[1] == '' or epoch == ARGV[1]) and 1 or 0
