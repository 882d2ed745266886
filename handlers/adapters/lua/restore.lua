-- Restore: put admissions that are on their way in Kafka back into a Redis that forgot them.
--
-- KEYS  1 campaign  2 applied_user  3 coupon_count  4 returned  5 pending (see admit.lua)
-- ARGV  triples: user id, serial, admitted_at_ms
-- Returns how many were put back.
--
-- What is here already, or written by MySQL meanwhile (settle.lua), outweighs a message: a user
-- keeps the serial that they have, and a serial the user that has it. A message that loses so is
-- refused by the schema, and redriving it finds its user another serial.
local count = tonumber(redis.call('GET', KEYS[3]) or '0')
local highest, restored = count, 0
for i = 1, #ARGV, 3 do
  local user, serial = ARGV[i], tonumber(ARGV[i + 1])
  local known = redis.call('ZSCORE', KEYS[2], user)
  if not known and redis.call('ZCOUNT', KEYS[2], serial, serial) == 0 then
    redis.call('ZADD', KEYS[5], ARGV[i + 2], user)
    redis.call('ZADD', KEYS[2], serial, user)
    redis.call('LREM', KEYS[4], 0, serial)
    highest = math.max(highest, serial)
    restored = restored + 1
  end
end
if highest > count then
  redis.call('SET', KEYS[3], highest)
end
return restored
