// What was seen of a campaign, moment by moment, and how fast it changed.

const KEPT = 600;
// A rate over less is mostly chance: refusals are counted once a second.
const RECENT_S = 3;
// After a longer break there is a gap in the chart, not a line across it.
const BREAK_S = 15;

export class Samples {
  constructor() {
    this.at = []; // seconds since 1970
    this.given = []; // admissions in all
    this.arrivals = []; // a second; null at the beginning and after a break
    this.admissions = []; // likewise
    this.highest = 0;
    this.counts = [];
  }

  // atMs: when the answers were there. refusals: of the report, null where they are not known.
  add(atMs, stats, refusals) {
    const refused = refusals
      ? Object.values(refusals.by_reason).reduce((sum, one) => sum + one, 0)
      : (this.counts.at(-1)?.refused ?? 0);
    const now = { at: atMs / 1000, admitted: stats.admitted, refused };
    const before = this.counts.at(-1);
    const isNear = before && now.at - before.at < BREAK_S;
    const rate = isNear ? rates(before, now) : { arrivals: null, admissions: null };
    this.counts.push(now);
    this.at.push(now.at);
    this.given.push(stats.admitted);
    this.arrivals.push(rate.arrivals);
    this.admissions.push(rate.admissions);
    this.highest = Math.max(this.highest, rate.arrivals ?? 0);
    if (this.at.length > KEPT) {
      for (const list of [this.counts, this.at, this.given, this.arrivals, this.admissions]) list.shift();
    }
  }

  // Arrivals and admissions a second over the last seconds.
  recent() {
    const now = this.counts.at(-1);
    const before = this.counts.findLast((one) => now.at - one.at >= RECENT_S) ?? this.counts[0];
    return before === now || now.at - before.at > BREAK_S
      ? { arrivals: 0, admissions: 0 }
      : rates(before, now);
  }

  // The last samples, the newest first.
  last(count) {
    const from = Math.max(0, this.at.length - count);
    return this.at
      .slice(from)
      .map((at, index) => ({
        at,
        arrivals: this.arrivals[from + index],
        admissions: this.admissions[from + index],
        given: this.given[from + index],
      }))
      .reverse();
  }
}

// A count may fall: an administrator gave places back, or Redis lost its counters.
function rates(before, now) {
  const span = now.at - before.at;
  const admissions = Math.max(0, now.admitted - before.admitted) / span;
  const refusals = Math.max(0, now.refused - before.refused) / span;
  return { arrivals: admissions + refusals, admissions };
}
