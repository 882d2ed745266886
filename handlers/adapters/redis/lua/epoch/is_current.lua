-- Included: was this epoch written in the history that this server continues? Reads nothing.
--
-- `epoch`   of a campaign, or coupon:epoch: a replication id, "rebuilding:…", or false
-- `checks`  "1", or "" where the service hides its replication id: then every epoch is current
--
-- The replication id names a history of writes. It is a new one after a restart and after each
-- promotion, also where a primary became a replica, forgot its last writes and is primary again.
-- The script asks its own server: what a client remembers about a connection may be old.
local function is_current(epoch, checks)
  if not epoch or string.sub(epoch, 1, 11) == 'rebuilding:' then
    return false
  end
  if checks == '' then
    return true
  end
  local info = redis.call('INFO', 'replication')
  return string.find(info, 'role:master', 1, true)
    and string.find(info, 'master_replid:' .. epoch .. '\r', 1, true)
end
