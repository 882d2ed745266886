-- List: the ids of all campaigns, if it is sure that none is missing. Reads only.
--
-- KEYS  1 epoch      string  (see begin_epoch.lua)
--       2 campaigns  set     the ids of all campaigns
-- ARGV  1 "1" to compare the epoch with this server's history, or ""
-- Returns {LISTED, id…}, or {STALE} when the epoch is not of this history
--
-- One script, so that the list is of the history that was compared.
-- include epoch/is_current.lua
if not is_current(redis.call('GET', KEYS[1]), ARGV[1]) then
  return {'STALE'}
end
local reply = redis.call('SMEMBERS', KEYS[2])
table.insert(reply, 1, 'LISTED')
return reply
