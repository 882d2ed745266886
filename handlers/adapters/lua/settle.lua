-- Settle: after MySQL's commit, clear what is no longer pending and repair drift.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  triples: user id, serial, state
--         issued  the coupon row stands in MySQL under this serial
--         kept    the record stands in failed_event, which now takes care of it
-- Returns {cleared, repaired}: how many left pending, how many Redis had not known or known wrongly.
--
-- MySQL is the truth: an issued coupon that Redis does not know (it was restored from an older
-- state) is put back, so that nobody else gets its serial and its owner gets no second one.
local cleared, repaired = 0, 0
local highest = tonumber(redis.call('GET', KEYS[3]) or '0')
local count = highest
for i = 1, #ARGV, 3 do
  local user, serial, issued = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2] == 'issued'
  local known = tonumber(redis.call('ZSCORE', KEYS[2], user) or '0')
  if issued and known ~= serial then
    redis.call('ZADD', KEYS[2], serial, user)
    redis.call('LREM', KEYS[4], 0, serial)
    repaired = repaired + 1
  end
  if issued and serial > highest then
    highest = serial
  end
  -- A foreign record (another serial for this user) must not clear the pending of the true one.
  if issued or known == serial then
    cleared = cleared + redis.call('ZREM', KEYS[5], user)
  end
end
if highest > count then
  redis.call('SET', KEYS[3], highest)
end
return {cleared, repaired}
