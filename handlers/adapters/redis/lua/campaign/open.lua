-- Open: write a campaign that exists in MySQL to Redis, once.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
--       6 epoch     string  the history that migrate or rebuild has seen. Left out in a cluster,
--                   where it may be on another node
-- ARGV  1 "1" to compare epochs with this server's history, or ""
--       2 quantity  3 opens_at_ms  4 closes_at_ms  5 name  6 fence
--       7 rate_per_address  8 rules, "" where the campaign has none (see admit.lua)
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
redis.call('HSET', KEYS[1], 'quantity', ARGV[2], 'opens_at_ms', ARGV[3], 'closes_at_ms', ARGV[4],
  'name', ARGV[5], 'epoch', now, 'fence', ARGV[6], 'rate_per_address', ARGV[7], 'rules', ARGV[8])
return 'OPENED'
