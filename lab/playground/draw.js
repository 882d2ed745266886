// What the three servers hold, as entries with a key: so that what changed can be marked.

const byName = (object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));

// Returns lists of entries {key, text, note}; each list has a title, as the server names it.
export function redisLists({ redis, stage }, say) {
  const { keys, history } = redis;
  const set = (name) => ({
    title: `${name}  (${stage < 8 && name === "applied_user" ? "set" : "sorted set"})`,
    entries: byName(keys[name]).map(([user, score]) => ({
      key: `${name}/${user}`,
      text: (stage < 8 && name === "applied_user") || (stage === 9 && name === "pending") ? user : `${user}  ${score}`,
    })),
  });
  const count = { key: "coupon_count", text: `${keys.coupon_count}` };
  const lists = [set("applied_user"), { title: "coupon_count", entries: [count] }];
  if (stage >= 7) lists.push(set("pending"));
  if (stage === 9) lists.push(...ofSeonchak(keys, history, say));
  return lists;
}

function ofSeonchak(keys, history, say) {
  const returned = keys.returned.map((serial) => ({ key: `returned/${serial}`, text: `${serial}` }));
  const isRebuilding = keys.epoch.startsWith("rebuilding");
  const state = isRebuilding ? say("rebuilding") : keys.epoch === `${history}` ? "" : say("stale");
  return [
    ...(returned.length ? [{ title: "returned  (list)", entries: returned }] : []),
    {
      title: "campaign  (hash)",
      entries: [
        { key: "epoch", text: `epoch  ${keys.epoch}`, note: state },
        { key: "fence", text: `fence  ${keys.fence}` },
      ],
    },
    { title: say("history"), entries: [{ key: "history", text: `${history}` }] },
  ];
}

export function mysqlLists({ mysql, stage, transaction, locked }, say) {
  const isNew = (table, index) => transaction && index >= transaction.before[table].length;
  const counts = {};
  const rows = mysql.coupon.map(({ serial, user }, index) => {
    counts[user] = (counts[user] ?? 0) + 1;
    const isOpen = serial
      ? transaction && !transaction.before.coupon.some((row) => row.serial === serial)
      : isNew("coupon", index);
    return {
      key: `coupon/${user}/${counts[user]}`,
      text: serial ? `${serial}  ${user}` : user,
      note: isOpen ? say("uncommitted") : "",
    };
  });
  const failed = mysql.failed_event.map(({ user, reason }, index) => ({
    key: `failed/${user}/${index}`, text: reason ? `${user}  ${reason}` : user,
    note: isNew("failed_event", index) ? say("uncommitted") : "",
  }));
  const lists = [{ title: stage < 8 ? "coupon  (user_id)" : "coupon  (serial, user_id)", entries: rows, note: locked ? say("locked") : "" }];
  if ((stage > 4 && stage < 8) || failed.length) lists.push({ title: "failed_event", entries: failed });
  if (stage === 9) {
    lists.push({ title: "campaign", entries: [{ key: "mysql-fence", text: `fence  ${mysql.fence}` }] });
    lists.push({
      title: "fence_offset  (fence, offset)",
      entries: mysql.fence_offset.map(({ fence, offset }) => ({ key: `offset/${fence}`, text: `${fence}  ${offset}` })),
    });
  }
  return lists;
}

// Marks what is new or has another text than before, and adds what is gone.
export function marked(lists, before) {
  const old = new Map(before.flatMap((list) => list.entries.map((one) => [one.key, one])));
  const titles = new Map(before.map((list) => [list.title, list.entries]));
  return lists.map((list) => {
    const keys = new Set(list.entries.map(({ key }) => key));
    const entries = list.entries.map((one) => ({ ...one, mark: markOf(one, old.get(one.key)) }));
    const gone = (titles.get(list.title) ?? []).filter(({ key }) => !keys.has(key));
    return { ...list, entries: [...entries, ...gone.map((one) => ({ ...one, note: "", mark: "removed" }))] };
  });
}

const markOf = (now, before) => (!before ? "added" : before.text === now.text && before.note === now.note ? "" : "changed");
