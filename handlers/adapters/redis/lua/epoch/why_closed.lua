-- Included: may a script trust the state of a campaign? Reads nothing.
--
-- `epoch`   of the campaign: the history that it was opened in, false when it is missing
-- `checks`  "1", or "" (see is_current.lua)
-- Returns NOT_FOUND, or STALE when the campaign was opened in another history: the last second may
-- be lost. Returns nil when the state can be trusted.
-- include epoch/is_current.lua
local function why_closed(epoch, checks)
  if not epoch then
    return 'NOT_FOUND'
  end
  if not is_current(epoch, checks) then
    return 'STALE'
  end
  return nil
end
