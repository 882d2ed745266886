-- Get refusals: the sums of a campaign's refused applications. Reads only.
--
-- KEYS  1 refused  hash (see count_refusals.lua)
-- Returns {field, value, …}, empty before the first refusal.
--
-- A script for a plain reply: the clients for one server and for a cluster give HGETALL's differently.
return redis.call('HGETALL', KEYS[1])
