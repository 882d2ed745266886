// The promises, as the judge of the lab sees them: who has what, and what is still on its way.

import { PEOPLE, QUOTA } from "./servers.js";

// Returns for each promise its name, its state ("kept", "waiting", "broken") and for whom.
export function promises(world) {
  const rows = world.mysql.coupon.map(({ user }) => user);
  const has = (user) => rows.includes(user);
  const readBy = (answer) => PEOPLE.filter((user) => world.answers.some(([u, a]) => u === user && a === answer));
  const lastAnswer = (user) => world.answers.findLast(([u]) => u === user)?.[1];
  const accepted = readBy("accepted").filter((user) => !has(user));
  const lost = accepted.filter((user) => !isCarried(world, user));
  const refusedAgain = PEOPLE.filter((user) => lastAnswer(user) === "already applied"
    && !has(user) && !isCarried(world, user)
    && !accepted.includes(user) && !readBy("sold out").includes(user));
  // Stage 7 sends again for a person who presses again a second later.
  const mayPress = (user) => world.stage === 7 && user in world.redis.keys.pending;
  const barred = refusedAgain.filter((user) => !mayPress(user));
  const isMeantFor = (user) => isCarried(world, user) || mayPress(user) || accepted.includes(user);
  const unused = QUOTA - rows.length - PEOPLE.filter((user) => !has(user) && isMeantFor(user)).length;
  const { coupon_count: count, returned = [] } = world.redis.keys;
  const isSoldOut = count >= QUOTA && !returned.length; // so who presses again is refused again
  const refused = unused > 0 && isSoldOut && !world.running.length
    ? PEOPLE.filter((user) => lastAnswer(user) === "sold out" && !has(user) && !lost.includes(user)) : [];
  const several = PEOPLE.filter((user) => rows.filter((one) => one === user).length > 1);
  return [
    verdict("quota", rows.slice(QUOTA)),
    verdict("one_each", several),
    verdict("answered", readBy("error")),
    verdict("kept", lost, accepted),
    verdict("crash", [...barred, ...refused], refusedAgain.filter(mayPress)),
  ];
}

function verdict(name, broken, waiting = []) {
  const [state, who] = broken.length ? ["broken", broken] : waiting.length ? ["waiting", waiting] : ["kept", []];
  return { name, state, who: [...new Set(who)] };
}

// Whether something will still bring this person's row, if no further fault strikes.
function isCarried(world, user) {
  const { kafka, redis, mysql, programs } = world;
  const onTheWay = [...kafka.wire.map(({ value }) => value), ...kafka.records.slice(kafka.committed)];
  const isRelayed = world.stage >= 8 && user in redis.keys.pending;
  const isRedriven = programs.every_second && mysql.failed_event.some((event) => event.user === user && !event.reason);
  return onTheWay.some((value) => value.includes(user)) || isRelayed || isRedriven
    || world.running.some((program) => program.user === user);
}
