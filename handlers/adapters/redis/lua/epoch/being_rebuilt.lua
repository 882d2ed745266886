-- Included: the epoch while a rebuild runs: no applicant is admitted. Reads nothing.
--
-- `token`   of the rebuild: for a campaign its fence, for coupon:epoch a random text
-- `checks`  "1", or "" (see is_current.lua)
-- Returns it, or false on a replica. It is the same only for the same rebuild in the same history,
-- so the last step of a rebuild detects that Redis has lost everything again in between.
-- include epoch/history.lua
local function being_rebuilt(token, checks)
  local now = history(checks)
  return now and 'rebuilding:' .. token .. ':' .. now
end
