-- Begin: close a campaign, and let this rebuild have it.
--
-- KEYS  1 campaign  hash  epoch: "rebuilding:…" until it is opened again (epoch/being_rebuilt.lua);
--                         erased: as in admit.lua, so that no late settle puts an erased id back
-- ARGV  1 "1" to compare epochs with this server's history, or ""
--       2 fence of this rebuild, which no other one has
--       3 how many of the campaign's users were erased, "" for none
-- Returns BEGUN; TAKEN when a rebuild with a higher fence has the campaign or has opened it; STALE
-- when this server is a replica.
-- include epoch/being_rebuilt.lua
local mine = being_rebuilt(ARGV[2], ARGV[1])
if not mine then
  return 'STALE'
end
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
local rebuilding = string.match(campaign[1] or '', '^rebuilding:(%d+):')
if math.max(tonumber(rebuilding or 0), tonumber(campaign[2] or 0)) >= tonumber(ARGV[2]) then
  return 'TAKEN'
end
redis.call('HSET', KEYS[1], 'epoch', mine, 'erased', ARGV[3])
return 'BEGUN'
