-- Admission: decide about one applicant, atomically, in one round trip.
--
-- KEYS  1 campaign      hash        quantity, opens_at_ms, closes_at_ms, epoch
--       2 applied_user  sorted set  user id -> serial: the duplicate check and the winners
--       3 coupon_count  string      highest serial given out
--       4 returned      list        serials given back, used before a new one
--       5 pending       sorted set  user id -> admitted_at in ms: not yet known to be in MySQL
-- ARGV  1 user id
--       2 run_id of this server as the caller's connection knows it, or "" to skip the check
-- Returns {outcome, number, number}:
--       ACCEPTED serial admitted_at_ms
--       ALREADY_APPLIED serial admitted_at_ms  (0 once MySQL is known to have it)
--       NOT_OPEN ms_to_opening | SOLD_OUT | CLOSED | NOT_FOUND | STALE
--
-- Why one script: a crash between "is there one left", "take the number" and "remember that it
-- must still be written" would lose a coupon or give one twice. A refusal writes nothing.
local campaign = redis.call('HMGET', KEYS[1], 'quantity', 'opens_at_ms', 'closes_at_ms', 'epoch')
if not campaign[1] then
  return {'NOT_FOUND', 0, 0}
end
if ARGV[2] ~= '' and campaign[4] ~= ARGV[2] then
  return {'STALE', 0, 0}  -- opened on another run of the server: the last second may be forgotten
end

local applied = redis.call('ZSCORE', KEYS[2], ARGV[1])
if applied then
  local pending_since = redis.call('ZSCORE', KEYS[5], ARGV[1])
  return {'ALREADY_APPLIED', tonumber(applied), tonumber(pending_since or '0')}
end

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if now_ms < tonumber(campaign[2]) then
  return {'NOT_OPEN', campaign[2] - now_ms, 0}
end
if now_ms >= tonumber(campaign[3]) then
  return {'CLOSED', 0, 0}
end

local serial = redis.call('LINDEX', KEYS[4], 0)
local count = tonumber(redis.call('GET', KEYS[3]) or '0')
if not serial and count >= tonumber(campaign[1]) then
  return {'SOLD_OUT', 0, 0}
end

-- Only writes from here on. `pending` comes first: it is the only key not yet touched, so a wrong
-- type or a full memory stops the script before anything has changed.
redis.call('ZADD', KEYS[5], now_ms, ARGV[1])
if serial then
  redis.call('LPOP', KEYS[4])
else
  serial = redis.call('INCR', KEYS[3])
end
redis.call('ZADD', KEYS[2], serial, ARGV[1])
return {'ACCEPTED', tonumber(serial), now_ms}
