-- Confirm durable: make the caller's next WAITAOF cover a recent admission.
--
-- KEYS  1 campaign      hash
--       2 applied_user  sorted set  user id -> serial
-- ARGV  1 user id   2 serial   3 "1" to check the epoch, or ""
-- Returns 1 when exactly this admission still exists on this run of the server, else 0.
--
-- WAITAOF waits for the writes of its own connection, and the admission used another connection.
-- The append-only file is written in order, so a later write from this connection is enough; it
-- stores the epoch that is already there.
-- include epoch/why_closed.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if why_closed(epoch, ARGV[3]) then
  return 0
end
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or '0') ~= tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'epoch', epoch)
return 1
