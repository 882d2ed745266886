-- Renew epoch: this history has every campaign again.
--
-- KEYS  1 epoch  string (see begin_epoch.lua)
-- ARGV  1 "1" to compare epochs with this server's history, or ""  2 token of this rebuild
-- Returns 1, or 0 when the server restarted, was flushed, or another rebuild took over since.
-- include epoch/is_current.lua
-- include epoch/being_rebuilt.lua
local epoch = redis.call('GET', KEYS[1])
if epoch and epoch == being_rebuilt(ARGV[2], ARGV[1]) then
  redis.call('SET', KEYS[1], history(ARGV[1]))
  return 1
end
return is_current(epoch, ARGV[1]) and 1 or 0
