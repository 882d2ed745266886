-- Return serials: give back serials that no user holds any more, before the campaign is reopened.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  1 "1" to compare epochs with this server's history, or ""  2 fence of this rebuild
--       3… serials
-- Returns how many were given back, or -1 when Redis was lost again or another rebuild has taken
--   over.
--
-- Each is checked again: the consumer may have settled one since the caller collected them.
-- include epoch/being_rebuilt.lua
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or epoch ~= being_rebuilt(ARGV[2], ARGV[1]) then
  return -1
end
local released = 0
for i = 3, #ARGV do
  local serial = ARGV[i]
  if redis.call('ZCOUNT', KEYS[2], serial, serial) == 0
    and not redis.call('LPOS', KEYS[4], serial) then
    redis.call('RPUSH', KEYS[4], serial)
    released = released + 1
  end
end
return released
