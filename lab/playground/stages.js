// The six stages, line by line as lab/stages/stage4_sadd.py to stage8_ack.py, and seonchak itself.

import { seonchak } from "./seonchak.js";
import { QUOTA, ServerError, ack, refuseIf, send } from "./servers.js";

// ---- calls of the servers ------------------------------------------------------------------------

const redis = (text, run) => ({
  server: "Redis", text, run: (world) => run(world.redis.keys, world),
});
const sadd = (key, member) => redis(`SADD ${key} ${member}`, (keys) => {
  if (member in keys[key]) return 0;
  keys[key][member] = 0;
  return 1;
});
const incr = (key) => redis(`INCR ${key}`, (keys) => (keys[key] += 1));
const zrem = (key, ...members) => redis(`ZREM ${key} ${members.join(" ")}`, (keys) => {
  const found = members.filter((member) => member in keys[key]);
  for (const member of found) delete keys[key][member];
  return found.length;
});
const zscore = (key, member) => redis(`ZSCORE ${key} ${member}`, (keys) => keys[key][member]);
const zrangebyscore = (key, highest) => redis(`ZRANGEBYSCORE ${key} 0 ${highest}`, (keys) =>
  Object.entries(keys[key])
    .filter(([, score]) => score <= highest)
    .sort(([a, first], [b, second]) => first - second || (a < b ? -1 : 1))
    .map(([member]) => member));
const time = () => redis("TIME", (_, world) => world.now);

const mysql = (text, run) => ({
  server: "MySQL", text,
  run: (world, program) => {
    world.begin(program);
    return run(world.mysql, world);
  },
});
const inserted = (table, users) => `INSERT INTO ${table} (user_id) VALUES ${users.map((user) => `('${user}')`).join(", ")}`;
const insert = (table, ...users) => mysql(inserted(table, users), (tables, { locked }) => {
  if (table === "coupon") refuseIf(locked);
  tables[table].push(...users.map((user) => ({ user })));
  return users.length;
});
const commit = () => ({
  server: "MySQL", text: "COMMIT", run: (world) => { world.transaction = null; return "OK"; },
});
const rollback = () => ({
  server: "MySQL", text: "ROLLBACK", run: (world) => { world.rollBack(); return "OK"; },
});

const keys = () => ({ applied_user: {}, coupon_count: 0, pending: {} });

// ---- stage 4: SADD, INCR, INSERT -----------------------------------------------------------------

const stage4 = {
  keys,
  *apply(user) {
    if ((yield sadd("applied_user", user)) === 0) return "already applied";
    if ((yield incr("coupon_count")) > QUOTA) return "sold out";
    yield insert("coupon", user);
    yield commit();
    return "accepted";
  },
};

// ---- stage 5: Kafka in between -------------------------------------------------------------------

const stage5 = {
  keys,
  *apply(user) {
    if ((yield sadd("applied_user", user)) === 0) return "already applied";
    if ((yield incr("coupon_count")) > QUOTA) return "sold out";
    yield send(user);
    return "accepted";
  },
  *consume(users) {
    for (const user of users) {
      try {
        yield insert("coupon", user);
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
        yield insert("failed_event", user);
      }
      yield commit();
    }
  },
};

// ---- stage 6: a batch in one transaction, and failed_event is tried again ------------------------

const stage6 = {
  keys,
  apply: stage5.apply,
  *consume(users) {
    try {
      yield insert("coupon", ...users);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      yield rollback();
      yield insert("failed_event", ...users);
    }
    yield commit();
  },
  *every_second() {
    const failed = yield mysql("SELECT id, user_id FROM failed_event FOR UPDATE",
      (tables) => [...tables.failed_event]);
    for (const event of failed) {
      yield insert("coupon", event.user);
      yield mysql(`DELETE FROM failed_event WHERE user_id = '${event.user}'`, (tables) => {
        tables.failed_event.splice(tables.failed_event.indexOf(event), 1);
        return 1;
      });
    }
    yield commit();
  },
};

// ---- stage 7: one script, and pending ------------------------------------------------------------

const admit7 = (user) => redis(`EVAL admit.lua ${user}`, (keys, { now }) => {
  if (user in keys.applied_user) {
    const since = keys.pending[user];
    if (since === undefined || now - since < 1) return "already applied";
  } else {
    keys.applied_user[user] = 0;
    keys.coupon_count += 1;
    if (keys.coupon_count > QUOTA) return "sold out";
  }
  keys.pending[user] = now;
  return "accepted";
});

const stage7 = {
  keys,
  *apply(user) {
    const answer = yield admit7(user);
    if (answer === "accepted") yield send(user);
    return answer;
  },
  *consume(users) {
    yield* stage6.consume(users);
    yield zrem("pending", ...users);
  },
  every_second: stage6.every_second,
};

// ---- stage 8: the ack, unique keys, the relay ----------------------------------------------------

const admit8 = (user) => redis(`EVAL admit.lua ${user}`, (keys, { now }) => {
  const known = keys.applied_user[user];
  if (known) return [user in keys.pending ? "accepted" : "already applied", known];
  const serial = (keys.coupon_count += 1);
  if (serial > QUOTA) return ["sold out", serial];
  keys.applied_user[user] = serial;
  keys.pending[user] = now;
  return ["accepted", serial];
});

function* sendAndWait(user, serial) {
  const item = yield send(`[${serial}, "${user}"]`);
  try {
    yield ack(item);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return false;
  }
  return true;
}

const insertIgnore = (coupons) => mysql(
  `INSERT IGNORE INTO coupon (serial, user_id) VALUES ${coupons.map(([serial, user]) => `(${serial}, '${user}')`).join(", ")}`,
  (tables, { locked }) => {
    refuseIf(locked);
    const before = tables.coupon.length;
    for (const [serial, user] of coupons) {
      if (!tables.coupon.some((row) => row.serial === serial || row.user === user)) {
        tables.coupon.push({ serial, user });
      }
    }
    tables.coupon.sort((a, b) => a.serial - b.serial);
    return tables.coupon.length - before;
  });

const stage8 = {
  keys,
  *apply(user) {
    const [answer, serial] = yield admit8(user);
    if (answer === "accepted" && !(yield* sendAndWait(user, serial))) return "try again";
    return answer;
  },
  *consume(records) {
    const coupons = records.map((record) => JSON.parse(record));
    yield insertIgnore(coupons);
    yield commit();
    yield zrem("pending", ...coupons.map(([, user]) => user));
  },
  *every_second() {
    const now = yield time();
    for (const user of yield zrangebyscore("pending", now - 1)) {
      const serial = yield zscore("applied_user", user);
      if (serial !== undefined) yield* sendAndWait(user, serial);
    }
  },
};

export const STAGES = { 4: stage4, 5: stage5, 6: stage6, 7: stage7, 8: stage8, 9: seonchak };
