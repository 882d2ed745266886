-- Settle: after MySQL's commit, clear what is no longer pending and repair drift.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 state, of all that follow
--           coupon        MySQL has the coupon row under this serial
--           failed_event  MySQL has the record in failed_event, and the redrive retries it
--       2 … n+1    the user ids, n of them
--       n+2 … 2n+1 their serials
-- Returns {cleared, repaired}: how many left pending, how many were missing or wrong in Redis.
--
-- MySQL is the source of truth: an issued coupon that Redis does not have (Redis was restored from
-- an older state) is written back, so no other user gets its serial and its owner no second one.
-- The count stays: a single coupon with a high serial, from a record that is not ours, must not take
-- all the serials below it. The next admission leaves out those that are held (next_serial.lua).
local n = (#ARGV - 1) / 2
local issued = ARGV[1] == 'coupon'
local known = redis.call('ZMSCORE', KEYS[2], unpack(ARGV, 2, n + 1))
local cleared, repaired = 0, 0

-- Almost always Redis and MySQL agree on all of them, and then one command clears them. Scores are
-- compared as text here; one in another notation is compared again below, as a number.
local as_known = true
for i = 1, n do
  if known[i] ~= ARGV[1 + n + i] then
    as_known = false
    break
  end
end

if as_known then
  cleared = redis.call('ZREM', KEYS[5], unpack(ARGV, 2, n + 1))
else
  for i = 1, n do
    local user, serial = ARGV[1 + i], tonumber(ARGV[1 + n + i])
    local as_given = tonumber(known[i] or '0') == serial
    if issued and not as_given then
      redis.call('ZADD', KEYS[2], serial, user)
      redis.call('LREM', KEYS[4], 0, serial)
      repaired = repaired + 1
    end
    -- A record with another serial of this user must not clear the pending of the real one.
    if issued or as_given then
      cleared = cleared + redis.call('ZREM', KEYS[5], user)
    end
  end
end
return {cleared, repaired}
