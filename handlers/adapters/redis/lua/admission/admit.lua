-- Admit: decide about the applicants of a campaign, each after the other, in one atomic step.
--
-- KEYS  1 campaign      hash        quantity, opens_at_ms, closes_at_ms, epoch, fence,
--                                  rate_per_address, rules ("" or absent where it has none),
--                                  places_returned (serials 1 to quantity + these may be given),
--                                  paused ("1" or ""), releases (see released.lua),
--                                  erased (how many of its users were, "" or absent for none)
--       2 applied_user  sorted set  user id -> serial: the duplicate check and the winners
--       3 coupon_count  string      highest serial given out, 0 from the opening on
--       4 returned      list        serials given back, used before a new one
--       5 pending       sorted set  user id -> admitted_at in ms: not yet known to be in MySQL
--       6 rate          hash        window -> its number; address, "user:" .. user id -> calls in it
-- ARGV  1 "1" to check the epoch, or ""
--       2 calls of one user in a window, 0 for any number
--       3 calls of one address in a window, 0 for any number; the campaign's own limit goes before
--       4 the rules that the caller has checked, "" for none
--       5 "1" where these applicants do not fulfil them, or ""
--       6 "1" where each applicant comes with a pseudonym, or ""
--       then for each applicant: user id, address of the call or "" where it is not known, and with a
--       6 of "1" the pseudonym that the user has where the user was erased
-- Returns for each applicant {outcome, number, number, number}:
--       ACCEPTED serial admitted_at_ms fence
--       ALREADY_APPLIED serial admitted_at_ms fence  (no time once MySQL is known to have it: 0)
--       NOT_OPEN ms_to_opening | TOO_MANY_REQUESTS ms_to_next_window
--       NEXT_RELEASE ms_to_next_release | PAUSED ms_to_ask_again
--       SOLD_OUT | CLOSED | NOT_FOUND | STALE | REFUSED
--       or {RULES, the campaign's rules} where the caller has checked others, and PSEUDONYM where it has
--       to send the pseudonyms as well
--
-- Why one script: a crash between "is one left", "take the number" and "mark it as still to be
-- written" would lose a coupon or give one twice. A rejection writes nothing to the campaign.
-- Why several applicants: what they share is read once.
--
-- The limits count only calls that pass: a call over the limit is not counted, so no client is
-- blocked beyond the window. Windows are aligned to the opening, so that calls before it do not
-- count at that moment. Per user, early and repeated calls count; a user is admitted only once.
-- A call that gets SOLD_OUT or CLOSED is cheap and is not counted. One that gets RULES comes again.
--
-- The caller checks the rules of the campaign, which need the token and a secret. The reply says which
-- rules it lacks, so no process has to ask for them before. Whether an applicant fulfils them is asked
-- of new applicants only: who has been admitted gets the serial also with an old token or solution.
--
-- An erased user is known under a pseudonym, which takes a secret to make. So only a campaign that has
-- erased users asks for it. Who is found under it has had a coupon and gets no second one; whether
-- MySQL has it is then nothing that the caller may write down, since it would write the user's id.
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
-- include admission/next_serial.lua
-- include admission/released.lua
local WINDOW_MS = 1000
-- Only removes the last window of a campaign; longer than any window that is in use.
local RATE_EXPIRY_MS = 60000
-- When a paused campaign goes on is not known.
local PAUSED_MS = 5000

local campaign = redis.call('HMGET', KEYS[1], 'quantity', 'opens_at_ms', 'closes_at_ms', 'epoch',
  'fence', 'rate_per_address', 'rules', 'places_returned', 'paused', 'releases', 'erased')
local PER_USER_MAX = tonumber(ARGV[2])
local PER_ADDRESS_MAX = tonumber(campaign[6] or '') or tonumber(ARGV[3])
local rules = campaign[7] or ''
local are_checked, is_refused = rules == ARGV[4], ARGV[5] == '1'
local closed = why_closed(campaign[4], ARGV[1])
local quantity, fence = tonumber(campaign[1] or '0'), tonumber(campaign[5] or '0')
local is_paused = campaign[9] == '1'
local has_erased = (campaign[11] or '') ~= ''
local PARTS = ARGV[6] == '1' and 3 or 2
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local since_opening_ms = now_ms - (campaign[2] or 0)
local closes_at_ms = tonumber(campaign[3] or 0)
local is_over = now_ms >= closes_at_ms
local last_serial = quantity + tonumber(campaign[8] or '0')
local limit, next_release_ms = last_serial, nil
if campaign[10] and campaign[10] ~= '' then
  limit, next_release_ms = released(campaign[10], quantity, closes_at_ms, now_ms)
  limit = limit + last_serial - quantity
end
local window = math.floor(since_opening_ms / WINDOW_MS)

-- The calls of this window: read when they are needed, stored at the end.
local calls, counted, is_new_window = {}, {}, false
local function calls_of(field)
  if not calls[field] then
    local stored = redis.call('HMGET', KEYS[6], 'window', field)
    is_new_window = tonumber(stored[1]) ~= window
    calls[field] = not is_new_window and tonumber(stored[2]) or 0
  end
  return calls[field]
end
local function count_call(field)
  calls[field] = calls[field] + 1
  counted[#counted + 1] = field
end

-- The highest serial given out, read when it is needed; stored at the end when it has grown.
local count, is_higher
local has_returned = true
local is_whole
local function free_serial()
  local returned = has_returned and redis.call('LINDEX', KEYS[4], 0)
  if returned then
    return tonumber(returned)
  end
  has_returned = false
  count = count or tonumber(redis.call('GET', KEYS[3]))
  return next_serial(KEYS[2], count, limit)
end

local function decide(user, address, pseudonym)
  if closed then
    return {closed, 0, 0, 0}
  end
  local applied, is_erased = redis.call('ZSCORE', KEYS[2], user), false
  if not applied and has_erased then
    if not pseudonym then
      return {'PSEUDONYM', 0, 0, 0}
    end
    applied = redis.call('ZSCORE', KEYS[2], pseudonym)
    if applied then
      user, is_erased = pseudonym, true
    end
  end
  if not applied and not is_whole then
    if is_incomplete(KEYS[2], KEYS[3], KEYS[4]) then
      return {'STALE', 0, 0, 0}
    end
    is_whole = true
  end
  if not applied and not are_checked then
    return {'RULES', rules}
  end
  local is_in_time = not applied and since_opening_ms >= 0
  local serial, waits
  if is_in_time then
    if is_over then
      return {'CLOSED', 0, 0, 0}
    end
    serial = free_serial()
    local is_last = not next_release_ms
    if not serial and (is_last or not next_serial(KEYS[2], count, last_serial)) then
      return {'SOLD_OUT', 0, 0, 0}
    end
    waits = is_paused and {'PAUSED', PAUSED_MS, 0, 0}
      or not serial and {'NEXT_RELEASE', next_release_ms, 0, 0}
  end
  local may_be_admitted = is_in_time and not is_refused and not waits
  local of_user = PER_USER_MAX > 0 and not may_be_admitted and 'user:' .. user
  local of_address = PER_ADDRESS_MAX > 0 and address ~= '' and address
  if of_user and calls_of(of_user) >= PER_USER_MAX
    or of_address and calls_of(of_address) >= PER_ADDRESS_MAX then
    return {'TOO_MANY_REQUESTS', WINDOW_MS - since_opening_ms % WINDOW_MS, 0, 0}
  end
  if of_user then
    count_call(of_user)
  end
  if of_address then
    count_call(of_address)
  end
  if applied then
    local pending_since = not is_erased and redis.call('ZSCORE', KEYS[5], user)
    return {'ALREADY_APPLIED', tonumber(applied), tonumber(pending_since or '0'), fence}
  end
  if is_refused then
    return {'REFUSED', 0, 0, 0}
  end
  if not is_in_time then
    return {'NOT_OPEN', -since_opening_ms, 0, 0}
  end
  if waits then
    return waits
  end
  -- `pending` is written first: it is the only key not yet read, so a wrong type or a full memory
  -- stops the script before anything has changed.
  redis.call('ZADD', KEYS[5], now_ms, user)
  if has_returned then
    redis.call('LPOP', KEYS[4])
  else
    count, is_higher = serial, true
  end
  redis.call('ZADD', KEYS[2], serial, user)
  return {'ACCEPTED', serial, now_ms, fence}
end

local replies = {}
for index = 7, #ARGV, PARTS do
  replies[#replies + 1] = decide(ARGV[index], ARGV[index + 1], PARTS == 3 and ARGV[index + 2])
end

if is_higher then
  redis.call('SET', KEYS[3], count)
end
-- pcall: while the server rejects writes, outcomes that need no write are still returned.
if #counted > 0 then
  local stored = {}
  if is_new_window then
    redis.pcall('UNLINK', KEYS[6])
    stored = {'window', window}
  end
  for _, field in ipairs(counted) do
    stored[#stored + 1], stored[#stored + 2] = field, calls[field]
  end
  redis.pcall('HSET', KEYS[6], unpack(stored))
  if is_new_window then
    redis.pcall('PEXPIRE', KEYS[6], RATE_EXPIRY_MS)
  end
end
return replies
