-- Confirm: make the caller's next WAITAOF cover an admission of a moment ago.
--
-- KEYS  1 campaign      hash
--       2 applied_user  sorted set  user id -> serial
-- ARGV  1 user id   2 serial   3 run_id, or "" to skip the check
-- Returns 1 when this very admission still stands on this run of the server, else 0.
--
-- WAITAOF waits for what its own connection has written, and the admission came over another one.
-- The append-only file is written in order, so a write from here that follows it is enough; this
-- one stores the epoch that is there already.
-- include epoch/why_closed.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if why_closed(epoch, epoch, ARGV[3]) then
  return 0
end
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or '0') ~= tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'epoch', epoch)
return 1
