-- Reopen: open the campaign in this history, with the fence of the rebuild.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 "1" to compare epochs with this server's history, or ""  2 fence of this rebuild
--       3 quantity  4 opens_at_ms  5 closes_at_ms  6 name
--       7 rate_per_address  8 rules, "" where the campaign has none
-- Returns OPENED, or STALE when the server restarted, was flushed, or another rebuild took over
-- since: the restored state may be lost again.
--
-- The last step of restoring a campaign: from here on new serials are given.
-- include epoch/being_rebuilt.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or epoch ~= being_rebuilt(ARGV[2], ARGV[1]) then
  return 'STALE'
end
if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('SET', KEYS[3], 0)
end
redis.call('HSET', KEYS[1], 'quantity', ARGV[3], 'opens_at_ms', ARGV[4], 'closes_at_ms', ARGV[5],
  'name', ARGV[6], 'epoch', history(ARGV[1]), 'fence', ARGV[2], 'rate_per_address', ARGV[7],
  'rules', ARGV[8])
return 'OPENED'
