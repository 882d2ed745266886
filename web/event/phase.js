// What a campaign is for a person at one moment of the server's clock. The last answer may be some
// seconds old, so what time alone decides is decided here.

/**
 * Return {name, opensAt}: the state at `now`, and when the button becomes live.
 *
 * name: SCHEDULED, OPEN, PAUSED, NEXT_RELEASE, SOLD_OUT or CLOSED. opensAt: ms since 1970 of the
 * server's clock with SCHEDULED and NEXT_RELEASE, else null.
 */
export function phaseOf(campaign, now) {
  const opens = Date.parse(campaign.opens_at);
  const first = Math.max(opens, ...(campaign.releases ?? []).slice(0, 1).map((one) => Date.parse(one.at)));
  if (campaign.state === "CLOSED" || now >= Date.parse(campaign.closes_at)) return at("CLOSED");
  if (now < opens) return at("SCHEDULED", first);
  if (campaign.state === "SCHEDULED") {
    // The answer is of a moment before the opening.
    if (campaign.paused) return at("PAUSED");
    return now < first ? at("NEXT_RELEASE", first) : at("OPEN");
  }
  if (campaign.state === "NEXT_RELEASE") {
    const next = Date.parse(campaign.next_release_at ?? "");
    return now < next ? at("NEXT_RELEASE", next) : at("OPEN");
  }
  return at(campaign.state);
}

function at(name, opensAt = null) {
  return { name, opensAt };
}
