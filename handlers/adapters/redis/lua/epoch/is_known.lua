-- Is known: does this Redis still have the state that it was set up with? Reads only.
--
-- KEYS  1 epoch  string (see begin_epoch.lua)
-- ARGV  1 "1" to compare the epoch with this server's history, or ""
-- Returns 1 when the epoch exists and is of this history, else 0: state may be lost.
-- include epoch/is_current.lua
return is_current(redis.call('GET', KEYS[1]), ARGV[1]) and 1 or 0
