-- Is listed: may a campaign that Redis does not have be lost, or did it never exist? Reads only.
--
-- KEYS  1 epoch      string  (see begin_epoch.lua)
--       2 campaigns  set     the ids of all campaigns
-- ARGV  1 "1" to compare the epoch with this server's history, or ""
--       2… campaign ids; none to ask for the epoch alone
-- Returns STALE when the epoch is not of this history, so that the list may be incomplete; else
--   LISTED, or UNLISTED when the list does not have all of them.
--
-- In a cluster these two keys share a slot, and a campaign may be on another server: one that has
-- lost it answers NOT_FOUND as for a campaign that never existed. A campaign is listed before it
-- is opened, so only an unlisted one surely never existed. Where the list's server was dead when the
-- rebuild opened it, a later run lists it.
-- include epoch/is_current.lua
if not is_current(redis.call('GET', KEYS[1]), ARGV[1]) then
  return 'STALE'
end
for i = 2, #ARGV do
  if redis.call('SISMEMBER', KEYS[2], ARGV[i]) == 0 then
    return 'UNLISTED'
  end
end
return 'LISTED'
