// Stage 9, the service itself: admit, send, confirm, or write under the fence; relay; rebuild. Each
// call is one script in handlers/adapters/redis/lua/ or one transaction. Redis's replication id is
// a number here, the history.

import { PEOPLE, QUOTA, ServerError, ack, refuseIf, send } from "./servers.js";

const script = (name, words, run) => ({
  server: "Redis", text: `EVALSHA ${name}.lua ${words}`.trim(),
  run: (world) => run(world.redis.keys, world),
});
const transaction = (text, run) => ({ server: "MySQL", text, run: (world) => run(world.mysql, world) });

const isOpen = (keys, { redis }) => keys.epoch === `${redis.history}`;
const isListed = ({ redis }) => redis.keys.list_epoch === `${redis.history}`;
const rebuilding = (fence, { redis }) => `rebuilding:${fence}:${redis.history}`;
const record = ({ serial, user, fence }) => `${serial} ${user} fence ${fence}`;
const words = (coupons) => coupons.map(({ serial, user }) => `${user} ${serial}`).join(" ");
const values = (coupons) => coupons.map(({ serial, user }) => `(${serial}, '${user}')`).join(", ");

const decode = (value, offset) => {
  const [serial, user, , fence] = value.split(" ");
  return { serial: Number(serial), user, fence: Number(fence), offset };
};

// ---- apply ---------------------------------------------------------------------------------------

const nextSerial = (keys) => {
  const held = Object.values(keys.applied_user);
  let serial = keys.coupon_count + 1;
  while (held.includes(serial)) serial += 1;
  return serial <= QUOTA ? serial : null;
};

const admit = (user) => script("admit", user, (keys, world) => {
  if (!isOpen(keys, world)) return { outcome: "STALE" };
  const fence = keys.fence;
  const known = keys.applied_user[user];
  if (known) return { outcome: "already applied", serial: known, fence, isPending: user in keys.pending };
  const serial = keys.returned[0] ?? nextSerial(keys);
  if (!serial) return { outcome: "sold out" };
  keys.pending[user] = 0;
  if (keys.returned.length) keys.returned.shift();
  else keys.coupon_count = serial;
  keys.applied_user[user] = serial;
  return { outcome: "accepted", serial, fence, isPending: true };
});

const confirm = ({ fence }) => script("confirm", `fence ${fence}`, (keys, world) =>
  (isOpen(keys, world) && keys.fence === fence ? 1 : 0));

function* apply(user) {
  const { outcome, serial, fence, isPending } = yield admit(user);
  if (outcome === "STALE") return "try again";
  if (!isPending) return outcome;
  const coupon = { serial, user, fence };
  const item = yield send(record(coupon));
  try {
    yield ack(item);
    if (yield confirm(coupon)) return outcome;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
  }
  try {
    if (!(yield writeDirect(coupon))) return "try again";
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return "try again";
  }
  yield settle([coupon]);
  return outcome;
}

// ---- MySQL: the ledger ---------------------------------------------------------------------------

const isLate = ({ fence, offset }, offsets) =>
  offsets.some((one) => one.fence > fence && offset >= one.offset);

function whyRefused(tables, { serial, user }) {
  const mine = tables.coupon.find((row) => row.user === user);
  if (mine?.serial === serial) return "";
  if (serial > QUOTA) return "SERIAL_OUT_OF_RANGE";
  if (mine) return "USER_HAS_OTHER_SERIAL";
  return tables.coupon.some((row) => row.serial === serial) ? "SERIAL_TAKEN" : "NOT_INSERTED";
}

function insert(tables, coupons, fence) {
  for (const coupon of coupons) {
    const { serial, user } = coupon;
    const isFree = !tables.coupon.some((row) => row.serial === serial || row.user === user);
    if (isFree && serial <= QUOTA && [undefined, coupon.fence].includes(fence)) {
      tables.coupon.push({ serial, user });
    }
  }
  tables.coupon.sort((a, b) => a.serial - b.serial);
}

// Returns why each coupon is not a row; those that are rows are not in it.
function write(tables, coupons, isDirect) {
  const inOrder = [...coupons].sort((a, b) => a.serial - b.serial);
  const refused = new Map();
  const inTime = [];
  insert(tables, inOrder, tables.fence);
  for (const coupon of inOrder) {
    const reason = whyRefused(tables, coupon);
    if (!reason) continue;
    if (coupon.fence === tables.fence) refused.set(coupon, reason);
    else if (isDirect || isLate(coupon, tables.fence_offset)) refused.set(coupon, "SUPERSEDED");
    else inTime.push(coupon);
  }
  insert(tables, inTime);
  for (const coupon of inTime) {
    const reason = whyRefused(tables, coupon);
    if (reason) refused.set(coupon, reason);
  }
  return refused;
}

const writeDirect = (coupon) => transaction(
  `INSERT INTO coupon SELECT ${values([coupon])} WHERE campaign.fence = ${coupon.fence}; COMMIT`,
  (tables, { locked }) => {
    refuseIf(locked);
    return !write(tables, [coupon], true).size;
  });

const writeBatch = (coupons) => transaction(
  `INSERT INTO coupon SELECT ${values(coupons)} WHERE fence is in time; COMMIT`,
  (tables, { locked }) => {
    refuseIf(locked);
    const refused = write(tables, coupons, false);
    const failed = [...refused].sort(([a], [b]) => a.offset - b.offset);
    for (const [{ user, offset }, reason] of failed) {
      if (!tables.failed_event.some((event) => event.offset === offset)) {
        tables.failed_event.push({ user, reason, offset });
      }
    }
    return refused;
  });

// ---- consume -------------------------------------------------------------------------------------

const settle = (coupons) => script("settle", `coupon ${words(coupons)}`, (keys) => {
  for (const { serial, user } of coupons) {
    // Not where the campaign is lost: its rebuild brings this row, too.
    if (keys.applied_user[user] !== serial && keys.epoch) {
      keys.applied_user[user] = serial;
      keys.returned = keys.returned.filter((one) => one !== serial);
    }
    delete keys.pending[user];
  }
  return "OK";
});

const settleFailed = (coupon) => script("settle", `failed_event ${words([coupon])}`, (keys, world) => {
  if (!isOpen(keys, world) || keys.fence !== coupon.fence) return 0;
  if (keys.applied_user[coupon.user] === coupon.serial) delete keys.pending[coupon.user];
  return 1;
});

function* consume(records, first) {
  const coupons = records.map((value, index) => decode(value, first + index));
  const refused = yield writeBatch(coupons);
  const written = coupons.filter((one) => !refused.has(one)).sort((a, b) => a.serial - b.serial);
  if (written.length) yield settle(written);
  for (const [coupon, reason] of refused) {
    if (reason !== "SUPERSEDED") yield settleFailed(coupon);
  }
}

// ---- relay: one page -----------------------------------------------------------------------------

const overdue = () => script("overdue", "", (keys, world) => {
  if (!isOpen(keys, world)) return [];
  return PEOPLE.filter((user) => user in keys.pending && keys.applied_user[user])
    .sort()
    .map((user) => ({ user, serial: keys.applied_user[user], fence: keys.fence }));
});

function* relay(world) {
  if (!isListed(world)) {
    world.note("clock", "", "closed", "");
    return;
  }
  const coupons = yield overdue();
  if (!coupons.length) return;
  const items = [];
  for (const coupon of coupons) items.push(yield send(record(coupon)));
  yield ack(...items);
}

// ---- rebuild -------------------------------------------------------------------------------------

const begin = (fence) => script("begin", `fence ${fence}`, (keys, world) => {
  const [, other] = /^rebuilding:(\d+):/.exec(keys.epoch) ?? [];
  if (Math.max(Number(other ?? 0), keys.fence) >= fence) return false;
  keys.epoch = rebuilding(fence, world);
  return { committed: world.kafka.committed, earlier: structuredClone(world.mysql.fence_offset) };
});

function requireMine(keys, world, fence) {
  if (keys.epoch !== rebuilding(fence, world)) throw new ServerError("STALE");
}

const load = (fence, coupons, isPending) => script("load", words(coupons), (keys, world) => {
  requireMine(keys, world, fence);
  for (const { serial, user } of coupons) {
    for (const holder of Object.keys(keys.applied_user)) {
      if (holder !== user && keys.applied_user[holder] === serial) {
        delete keys.applied_user[holder];
        delete keys.pending[holder];
      }
    }
    // Not where the campaign is lost: its rebuild brings this row, too.
    if (keys.applied_user[user] !== serial && keys.epoch) {
      keys.applied_user[user] = serial;
      keys.returned = keys.returned.filter((one) => one !== serial);
    }
    if (isPending) keys.pending[user] = 0;
    else delete keys.pending[user];
  }
  return "OK";
});

const returnSerials = (fence) => script("return_serials", `fence ${fence}`, (keys, world) => {
  const held = Object.values(keys.applied_user);
  const gaps = Array.from({ length: keys.coupon_count }, (_, index) => index + 1)
    .filter((serial) => !held.includes(serial));
  if (gaps.length) requireMine(keys, world, fence);
  keys.returned.push(...gaps.filter((serial) => !keys.returned.includes(serial)));
  return gaps;
});

const reopen = (fence, token) => script("reopen", `fence ${fence}`, (keys, world) => {
  requireMine(keys, world, fence);
  keys.epoch = `${world.redis.history}`;
  keys.fence = fence;
  renewEpoch(token, world);
  return "OPENED";
});

function firstOfEach(coupons) {
  const users = new Set();
  const serials = new Set();
  return coupons.filter(({ user, serial }) => {
    if (users.has(user) || serials.has(serial)) return false;
    users.add(user);
    serials.add(serial);
    return true;
  });
}

// The list of all campaigns has an epoch of its own. To look whether a rebuild is needed, and to
// take this epoch over, are no steps here; to renew it is a part of the last step.
function beginEpoch(world) {
  if (!isListed(world)) world.redis.keys.list_epoch = rebuilding(++world.tokens, world);
  return world.tokens;
}

function renewEpoch(token, world) {
  const { keys, history } = world.redis;
  if (keys.list_epoch === rebuilding(token, world)) keys.list_epoch = `${history}`;
}

function* rebuild(world) {
  const { keys } = world.redis;
  const needsNone = isOpen(keys, world) && keys.fence >= world.mysql.fence;
  if (needsNone && isListed(world)) {
    world.note("rebuild", "", "needless", "");
    return;
  }
  const token = beginEpoch(world);
  if (needsNone) {
    renewEpoch(token, world);
    return;
  }
  const fence = yield transaction("UPDATE campaign SET fence = fence + 1; COMMIT",
    (tables) => (tables.fence += 1));
  const begun = yield begin(fence);
  if (!begun) return;
  const backlog = yield {
    server: "Kafka", text: `read coupon_create from offset ${begun.committed} to its end`,
    run: ({ kafka }) => kafka.records.slice(begun.committed),
  };
  const end = begun.committed + backlog.length;
  const coupons = backlog.map((value, index) => decode(value, begun.committed + index));
  const first = firstOfEach(coupons.filter((one) => !isLate(one, begun.earlier)));
  if (first.length) yield load(fence, first, true);
  yield transaction(`INSERT INTO fence_offset VALUES (${fence}, ${end}); COMMIT`, (tables) => {
    if (tables.fence !== fence) throw new ServerError("STALE");
    tables.fence_offset.push({ fence, offset: end });
    return "OK";
  });
  for (let after = 0; ;) {
    const rows = yield transaction(`SELECT serial, user_id FROM coupon WHERE serial > ${after}`,
      (tables) => tables.coupon.filter(({ serial }) => serial > after));
    if (!rows.length) break;
    yield load(fence, rows, false);
    after = rows.at(-1).serial;
  }
  yield returnSerials(fence);
  yield reopen(fence, token);
}

export const seonchak = {
  keys: () => ({ list_epoch: "1", epoch: "1", fence: 1, applied_user: {}, coupon_count: 0, returned: [], pending: {} }),
  apply,
  consume,
  every_second: relay,
  rebuild,
};
