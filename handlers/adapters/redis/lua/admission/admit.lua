-- Admit: decide about one applicant, atomically, in one round trip.
--
-- KEYS  1 campaign      hash        quantity, opens_at_ms, closes_at_ms, epoch, fence
--       2 applied_user  sorted set  user id -> serial: the duplicate check and the winners
--       3 coupon_count  string      highest serial given out
--       4 returned      list        serials given back, used before a new one
--       5 pending       sorted set  user id -> admitted_at in ms: not yet known to be in MySQL
--       6 rate          hash        window -> its number; address, "user:" .. user id -> calls in it
-- ARGV  1 user id
--       2 "1" to check the epoch, or ""
--       3 address that the call came from, or "" where it is not known
--       4 calls of one user in a window, 0 for any number
--       5 calls of one address in a window, 0 for any number
-- Returns {outcome, number, number, number}:
--       ACCEPTED serial admitted_at_ms fence
--       ALREADY_APPLIED serial admitted_at_ms fence  (no time once MySQL is known to have it: 0)
--       NOT_OPEN ms_to_opening | TOO_MANY_REQUESTS ms_to_next_window
--       SOLD_OUT | CLOSED | NOT_FOUND | STALE
--
-- Why one script: a crash between "is one left", "take the number" and "mark it as still to be
-- written" would lose a coupon or give one twice. A rejection writes nothing to the campaign.
--
-- The limits count only calls that pass: a call over the limit is not counted, so no client is
-- blocked beyond the window. Windows are aligned to the opening, so that calls before it do not
-- count at that moment. Per user, early and repeated calls count; a user is admitted only once.
-- A call that gets SOLD_OUT or CLOSED is cheap and is not counted.
-- include epoch/why_closed.lua
-- include admission/next_serial.lua
local WINDOW_MS = 1000
-- Only removes the last window of a campaign; longer than any window that is in use.
local RATE_EXPIRY_MS = 60000

local campaign = redis.call('HMGET', KEYS[1], 'quantity', 'opens_at_ms', 'closes_at_ms', 'epoch',
  'fence')
local closed = why_closed(campaign[4], ARGV[2])
if closed then
  return {closed, 0, 0, 0}
end

local applied = redis.call('ZSCORE', KEYS[2], ARGV[1])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local since_opening_ms = now_ms - campaign[2]
local may_be_admitted = not applied and since_opening_ms >= 0
local serial, is_new
if may_be_admitted then
  if now_ms >= tonumber(campaign[3]) then
    return {'CLOSED', 0, 0, 0}
  end
  serial = redis.call('LINDEX', KEYS[4], 0)
  if not serial then
    local count = tonumber(redis.call('GET', KEYS[3]) or '0')
    serial, is_new = next_serial(KEYS[2], count, tonumber(campaign[1])), true
    if not serial then
      return {'SOLD_OUT', 0, 0, 0}
    end
  end
end

local user = ARGV[4] ~= '0' and not may_be_admitted and 'user:' .. ARGV[1]
local address = ARGV[5] ~= '0' and ARGV[3] ~= '' and ARGV[3]
local window = math.floor(since_opening_ms / WINDOW_MS)
local is_new_window, of_user, of_address = false, 0, 0
if user or address then
  local rate = redis.call('HMGET', KEYS[6], 'window', user or '', address or '')
  is_new_window = tonumber(rate[1]) ~= window
  if not is_new_window then
    of_user, of_address = tonumber(rate[2]) or 0, tonumber(rate[3]) or 0
  end
  if user and of_user >= tonumber(ARGV[4]) or address and of_address >= tonumber(ARGV[5]) then
    return {'TOO_MANY_REQUESTS', WINDOW_MS - since_opening_ms % WINDOW_MS, 0, 0}
  end
end

local result
if applied then
  local pending_since = redis.call('ZSCORE', KEYS[5], ARGV[1])
  result = {'ALREADY_APPLIED', tonumber(applied), tonumber(pending_since or '0'),
    tonumber(campaign[5] or '0')}
elseif not may_be_admitted then
  result = {'NOT_OPEN', -since_opening_ms, 0, 0}
else
  -- `pending` is written first: it is the only key not yet read, so a wrong type or a full memory
  -- stops the script before anything has changed.
  redis.call('ZADD', KEYS[5], now_ms, ARGV[1])
  if is_new then
    redis.call('SET', KEYS[3], serial)
  else
    redis.call('LPOP', KEYS[4])
  end
  redis.call('ZADD', KEYS[2], serial, ARGV[1])
  result = {'ACCEPTED', tonumber(serial), now_ms, tonumber(campaign[5] or '0')}
end

-- pcall: while the server rejects writes, outcomes that need no write are still returned.
if user or address then
  local counted = {}
  if is_new_window then
    redis.pcall('UNLINK', KEYS[6])
    counted = {'window', window}
  end
  if user then
    counted[#counted + 1], counted[#counted + 2] = user, of_user + 1
  end
  if address then
    counted[#counted + 1], counted[#counted + 2] = address, of_address + 1
  end
  redis.pcall('HSET', KEYS[6], unpack(counted))
  if is_new_window then
    redis.pcall('PEXPIRE', KEYS[6], RATE_EXPIRY_MS)
  end
end
return result
