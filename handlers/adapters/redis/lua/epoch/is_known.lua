-- Epoch: does this Redis still know the world it was set up for? Reads only.
--
-- KEYS  1 epoch  string (see begin_epoch.lua)
-- ARGV  1 run_id, or "" to skip the comparison
-- Returns 1 when the epoch is there and of this run, else 0: something may be forgotten.
-- include epoch/is_current.lua
return is_current(redis.call('GET', KEYS[1]), ARGV[1]) and 1 or 0
