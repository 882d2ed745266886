-- Narrow: note a change of a campaign, and take what it narrows at once.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned (see admit.lua)
-- ARGV  1 "1" to check the epoch, or ""
--       2 the version that is changed  3 the change, a text of its own (campaign_change.py)
--       then what it sets, "" where it does not:
--       4 quantity  5 opens_at_ms  6 closes_at_ms, 0 for now  7 paused, "1" or "0"
-- Returns {NARROWED, fence, closes_at_ms}: the change is noted, and will be made in MySQL under this
--   fence with this end; or, with nothing written:
--   {NOT_FOUND} | {STALE} | {CHANGED}: the version is another | {BUSY}: another change is noted
--   {OPENED}: opens_at cannot change any more | {WINDOW}: it would close before it opens
--   {TOO_LOW, highest serial given, lowest quantity that is possible}
--
-- Why one script: between "which is the highest serial" and "give none above the new quantity" an
-- applicant would get one that the schema refuses. What widens waits for MySQL (push.lua).
-- An end that has passed becomes now, so that no one was admitted after it.
-- include epoch/why_closed.lua
-- include epoch/is_incomplete.lua
local c = redis.call('HMGET', KEYS[1], 'epoch', 'fence', 'version', 'change', 'quantity',
  'places_returned', 'opens_at_ms', 'closes_at_ms')
local closed = why_closed(c[1], ARGV[1]) or is_incomplete(KEYS[2], KEYS[3], KEYS[4]) and 'STALE'
if closed then
  return {closed}
end
local fence = tonumber(c[2] or '0')
if c[4] == ARGV[3] then
  return {'NARROWED', fence, tonumber(c[8])}
end
if tonumber(c[3] or '1') ~= tonumber(ARGV[2]) then
  return {'CHANGED'}
end
if c[4] then
  return {'BUSY'}
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local was = {quantity = tonumber(c[5]), opens = tonumber(c[7]), closes = tonumber(c[8])}
local quantity = tonumber(ARGV[4]) or was.quantity
local opens = tonumber(ARGV[5]) or was.opens
local closes = was.closes
if ARGV[6] ~= '' then
  closes = math.max(tonumber(ARGV[6]), math.min(now_ms, was.closes))
end
if opens ~= was.opens and now_ms >= was.opens then
  return {'OPENED'}
end
if closes <= opens then
  return {'WINDOW'}
end
local narrowed = {'change', ARGV[3]}
local function narrow(field, value)
  narrowed[#narrowed + 1], narrowed[#narrowed + 2] = field, value
end
if quantity < was.quantity then
  local places = tonumber(c[6] or '0')
  local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
  local highest = math.max(tonumber(last[2] or '0'), tonumber(redis.call('GET', KEYS[3])))
  if highest > quantity + places then
    return {'TOO_LOW', highest, highest - places}
  end
  narrow('quantity', quantity)
end
if opens > was.opens then
  narrow('opens_at_ms', opens)
end
if closes < was.closes then
  narrow('closes_at_ms', closes)
end
if ARGV[7] == '1' then
  narrow('paused', '1')
end
redis.call('HSET', KEYS[1], unpack(narrowed))
return {'NARROWED', fence, closes}
