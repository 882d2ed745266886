-- Load: write to Redis what is durable elsewhere, while the campaign is closed.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 "1" to compare epochs with this server's history, or ""  2 fence of this rebuild
--       3… triples: user id, serial, admitted_at_ms, or 0 when it is not pending any more
-- Returns how many were missing or had another serial, or -1 when Redis was lost again or another
--   rebuild has taken over.
--
-- Durable data takes precedence over what only Redis has: another holder of such a serial never got
-- ACCEPTED, and is removed. The caller loads sources by precedence, the highest last. The count
-- stays, as in settle.lua.
-- include epoch/being_rebuilt.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or epoch ~= being_rebuilt(ARGV[2], ARGV[1]) then
  return -1
end
local restored = 0
for i = 3, #ARGV, 3 do
  local user, serial, admitted_at = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  for _, holder in ipairs(redis.call('ZRANGE', KEYS[2], serial, serial, 'BYSCORE')) do
    if holder ~= user then
      redis.call('ZREM', KEYS[2], holder)
      redis.call('ZREM', KEYS[5], holder)
    end
  end
  if tonumber(redis.call('ZSCORE', KEYS[2], user) or '0') ~= serial then
    redis.call('ZADD', KEYS[2], serial, user)
    redis.call('LREM', KEYS[4], 0, serial)
    restored = restored + 1
  end
  if admitted_at == '0' then
    redis.call('ZREM', KEYS[5], user)
  else
    redis.call('ZADD', KEYS[5], admitted_at, user)
  end
end
return restored
