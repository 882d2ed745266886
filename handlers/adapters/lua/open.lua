-- Open: put a campaign that stands in MySQL into Redis, once.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 run_id, or ""  2 quantity  3 opens_at_ms  4 closes_at_ms  5 name
-- Returns OPENED, ALREADY_OPEN, or STALE when what is here was left by another run of the server
-- or is only half there: then winners may be forgotten, and rebuilding is the only way.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch then
  return (ARGV[1] == '' or epoch == ARGV[1]) and 'ALREADY_OPEN' or 'STALE'
end
if redis.call('EXISTS', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]) > 0 then
  return 'STALE'
end
redis.call('HSET', KEYS[1], 'quantity', ARGV[2], 'opens_at_ms', ARGV[3], 'closes_at_ms', ARGV[4],
  'name', ARGV[5], 'epoch', ARGV[1])
return 'OPENED'
