-- Included: how many coupons of a campaign are released by now. Reads nothing.
--
-- `releases`      JSON [[at_ms, quantity], ...] in order; "" or false where all are from the opening on
-- `quantity`, `closes_at_ms`  of the campaign   `now_ms`  of this server's clock
-- Returns how many, and the ms until more are; nil when none follow before the end.
--
-- From the last release on all are released, also where the quantity was changed since then.
local function released(releases, quantity, closes_at_ms, now_ms)
  if not releases or releases == '' then
    return quantity
  end
  local sum = 0
  for _, release in ipairs(cjson.decode(releases)) do
    if release[1] > now_ms then
      return sum, release[1] < closes_at_ms and release[1] - now_ms or nil
    end
    sum = sum + release[2]
    if sum >= quantity then
      return quantity
    end
  end
  return quantity
end
