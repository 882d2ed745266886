-- Reopen: open the campaign in this history, with the fence of the rebuild.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 "1" to compare epochs with this server's history, or ""  2 fence of this rebuild
--       3… the other fields of the hash, each with its value (campaign_hash.py)
-- Returns OPENED, or STALE when the server restarted, was flushed, or another rebuild took over
-- since: the restored state may be lost again.
--
-- The last step of restoring a campaign: from here on new serials are given. A change that was only
-- noted never was: MySQL refuses it since the fence was raised.
-- include epoch/being_rebuilt.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or epoch ~= being_rebuilt(ARGV[2], ARGV[1]) then
  return 'STALE'
end
if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('SET', KEYS[3], 0)
end
redis.call('HDEL', KEYS[1], 'change', 'widening_until_ms')
redis.call('HSET', KEYS[1], 'epoch', history(ARGV[1]), 'fence', ARGV[2], unpack(ARGV, 3))
return 'OPENED'
