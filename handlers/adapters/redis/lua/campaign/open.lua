-- Open: write a campaign that exists in MySQL to Redis, once.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
--       6 epoch     string  the history that migrate or rebuild has seen. Left out in a cluster,
--                   where it may be on another node
-- ARGV  1 "1" to compare epochs with this server's history, or ""
--       2 fence  3… the other fields of the hash, each with its value (campaign_hash.py)
-- Returns OPENED, ALREADY_OPEN, or STALE when the state is from another history, is incomplete, or
-- everything is lost: then winners may be lost, and only a rebuild can open it.
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
-- include epoch/history.lua
if KEYS[6] and not is_current(redis.call('GET', KEYS[6]), ARGV[1]) then
  return 'STALE'
end
local epoch, now = redis.call('HGET', KEYS[1], 'epoch'), history(ARGV[1])
if epoch then
  return why_closed(epoch, ARGV[1])
    or is_incomplete(KEYS[2], KEYS[3], KEYS[4]) and 'STALE'
    or 'ALREADY_OPEN'
end
if not now or redis.call('EXISTS', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]) > 0 then
  return 'STALE'
end
redis.call('SET', KEYS[3], 0)
redis.call('HSET', KEYS[1], 'epoch', now, 'fence', ARGV[2], unpack(ARGV, 3))
return 'OPENED'
