// What a script has written: Redis runs it as one step, so its commands are read off the keys.

// Returns the commands, sorted.
export function writes(before, after, stage) {
  const commands = [];
  for (const key of ["pending", "applied_user"]) {
    const isSet = stage === 7 && key === "applied_user";
    for (const [user, score] of Object.entries(after[key])) {
      if (before[key][user] === score) continue;
      commands.push(isSet ? `SADD ${key} ${user}` : `ZADD ${key} ${stage === 9 && key === "pending" ? "now" : score} ${user}`);
    }
    for (const user of Object.keys(before[key])) {
      if (!(user in after[key])) commands.push(`ZREM ${key} ${user}`);
    }
  }
  if (before.coupon_count !== after.coupon_count) {
    commands.push(stage === 9 ? `SET coupon_count ${after.coupon_count}` : "INCR coupon_count");
  }
  if (stage === 9) commands.push(...ofSeonchak(before, after));
  return commands.sort();
}

function ofSeonchak(before, after) {
  const given = after.returned.filter((serial) => !before.returned.includes(serial));
  const taken = before.returned.filter((serial) => !after.returned.includes(serial));
  const fields = ["epoch", "fence"].filter((field) => before[field] !== after[field]);
  return [
    ...given.map((serial) => `RPUSH returned ${serial}`),
    ...taken.map((serial) => `LREM returned ${serial}`),
    ...(fields.length ? [`HSET campaign ${fields.map((field) => `${field} ${after[field]}`).join(" ")}`] : []),
  ];
}
