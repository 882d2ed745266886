-- Included: the history of writes that this server continues. Reads nothing.
--
-- `checks`  "1", or "" where the service hides its replication id (see is_current.lua)
-- Returns the replication id, "hidden" without the check, or false on a replica.
local function history(checks)
  if checks == '' then
    return 'hidden'
  end
  local info = redis.call('INFO', 'replication')
  return string.find(info, 'role:master', 1, true) and string.match(info, 'master_replid:(%x+)')
end
