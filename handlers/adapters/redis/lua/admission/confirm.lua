-- Confirm: is this still the history that admitted an applicant? Reads only.
--
-- KEYS  1 campaign  hash
-- ARGV  1 "1" to check the epoch, or ""  2 fence of the admission
-- Returns 1 when the campaign is open under this fence, else 0.
--
-- Asked after Kafka has acknowledged: a rebuild that begins later reads the record in the topic. One
-- that has begun may have read the topic before.
-- include epoch/why_closed.lua
local campaign = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
return not why_closed(campaign[1], ARGV[1]) and campaign[2] == ARGV[2] and 1 or 0
