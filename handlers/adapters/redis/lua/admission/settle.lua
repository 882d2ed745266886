-- Settle: after MySQL's commit, clear what is no longer pending and repair drift.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 state, of all that follow
--           coupon        MySQL has the coupon row under this serial
--           pseudonymous  the same; their pseudonyms follow as well
--           failed_event  MySQL has the record in failed_event, and the redrive retries it
--       2 "1" to check the epoch, or ""
--       3 fence of all records in failed_event, 0 where it is not compared
--       4 … n+3    the user ids, n of them
--       n+4 … 2n+3 their serials
--       2n+4 … 3n+3 their pseudonyms, only with that state
-- Returns {cleared, repaired}: how many left pending, how many were missing or wrong in Redis; or
--   {-1, 0}, and nothing has changed: this campaign has erased users, so send the pseudonyms, too.
--
-- MySQL is the source of truth: an issued coupon that Redis does not have (Redis was restored from
-- an older state) is written back, so no other user gets its serial and its owner no second one.
-- The count stays: a single coupon with a high serial, from a record that is not ours, must not take
-- all the serials below it. The next admission leaves out those that are held (next_serial.lua).
--
-- Not where the campaign itself is missing: one that is lost is restored with this row, and one that
-- was archived stays away.
-- A user whom Redis has under a pseudonym was erased after the caller had written the row or read it:
-- the id must not come back.
--
-- A coupon that its user gave back meanwhile is held by a blank and its serial (return_places.lua). The
-- settlement comes too late then, and the user may have another admission: nothing changes.
--
-- A record in failed_event settles only the admission that it is of, and only while that history is
-- open: it may be late for a rebuild, and then the redrive writes no row for it. What stays pending
-- is sent again, and that record is settled.
-- include epoch/why_closed.lua
local has_pseudonyms = ARGV[1] == 'pseudonymous'
local n = (#ARGV - 3) / (has_pseudonyms and 3 or 2)
local issued = ARGV[1] ~= 'failed_event'
if not issued and ARGV[3] ~= '0' then
  local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
  if why_closed(campaign[1], ARGV[2]) or campaign[2] ~= ARGV[3] then
    return {0, 0}
  end
end
local known = redis.call('ZMSCORE', KEYS[2], unpack(ARGV, 4, n + 3))
local cleared, repaired = 0, 0

-- Almost always Redis and MySQL agree on all of them, and then one command clears them. Scores are
-- compared as text here; one in another notation is compared again below, as a number.
local as_known = true
for i = 1, n do
  if known[i] ~= ARGV[3 + n + i] then
    as_known = false
    break
  end
end

if as_known then
  cleared = redis.call('ZREM', KEYS[5], unpack(ARGV, 4, n + 3))
else
  local has_erased = issued and (redis.call('HGET', KEYS[1], 'erased') or '') ~= ''
  if has_erased and not has_pseudonyms then
    return {-1, 0}
  end
  for i = 1, n do
    local user, serial = ARGV[3 + i], tonumber(ARGV[3 + n + i])
    local as_given = tonumber(known[i] or '0') == serial
    local is_erased = has_erased and not known[i]
      and redis.call('ZSCORE', KEYS[2], ARGV[3 + 2 * n + i])
    local is_coupon = issued and (as_given or not redis.call('ZSCORE', KEYS[2], ' ' .. ARGV[3 + n + i]))
      and not is_erased
    if is_coupon and not as_given and redis.call('EXISTS', KEYS[1]) == 1 then
      redis.call('ZADD', KEYS[2], serial, user)
      redis.call('LREM', KEYS[4], 0, serial)
      repaired = repaired + 1
    end
    -- A record with another serial of this user must not clear the pending of the real one.
    if is_coupon or as_given then
      cleared = cleared + redis.call('ZREM', KEYS[5], user)
    end
  end
end
return {cleared, repaired}
