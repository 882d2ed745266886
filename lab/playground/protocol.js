// The playground's world: Redis, Kafka and MySQL as small values, and programs that are cut into
// steps. A program is a generator that yields one call of a server at a time; between two calls
// anything may happen. The state is a pure function of the stage and the actions: to undo, replay.

import { PEOPLE, ServerError } from "./servers.js";
import { STAGES } from "./stages.js";
import { writes } from "./writes.js";

const RUNNING_MAX = 5;
const START_S = 1000;

// An action is a letter and a number: s1 is the next step of the second program that runs.
export const LETTERS = {
  a: "apply",
  s: "step",
  f: "finish",
  x: "crash",
  l: "lose", // the send: no record, no ack
  u: "unacknowledged", // the record arrives, its ack is lost
  z: "late", // the sender waits no longer, the record may still arrive
  w: "arrive",
  d: "drop",
  c: "consume",
  g: "again",
  e: "clock",
  b: "rebuild",
  t: "second",
  r: "restart",
  m: "lock",
};

export class World {
  constructor(stage) {
    this.stage = stage;
    this.programs = STAGES[stage];
    this.now = START_S;
    this.locked = false;
    this.redis = { history: 1, keys: this.programs.keys() };
    this.disk = structuredClone(this.redis.keys);
    this.kafka = { records: [], committed: 0, polled: 0, wire: [], sent: 0 };
    this.mysql = { coupon: [], failed_event: [], fence: 1, fence_offset: [] };
    this.transaction = null;
    this.tokens = 0; // of the rebuilds that took the list of campaigns over
    this.running = [];
    this.answers = [];
    this.written = []; // by the last script
    this.log = [];
  }

  act(action) {
    this[LETTERS[action[0]]](Number(action.slice(1)) || 0);
    return this;
  }

  // ---- programs ------------------------------------------------------------------------------

  apply(n) {
    const user = PEOPLE[n % PEOPLE.length];
    this.start(`apply ${user}`, this.programs.apply(user), user);
  }

  consume() {
    if (!this.programs.consume || this.isRunning("consumer")) return;
    this.start("consumer", consumer(this.programs.consume));
  }

  clock() {
    if (!this.programs.every_second || this.isRunning("clock")) return;
    this.start("clock", this.programs.every_second(this));
  }

  rebuild() {
    if (!this.programs.rebuild || this.isRunning("rebuild")) return;
    this.start("rebuild", this.programs.rebuild(this));
  }

  isRunning(name) {
    return this.running.some((program) => program.name === name);
  }

  start(name, generator, user = "") {
    if (this.running.length === RUNNING_MAX) return;
    const program = { name, user, generator, next: null, sent: [] };
    this.running.push(program);
    this.goOn(program, () => generator.next());
  }

  step(n, fate = "") {
    const program = this.running[n % this.running.length];
    if (!program || this.waits(program)) return;
    if (fate && !program.next.isAck) return;
    const { server, text, run } = program.next;
    const before = structuredClone(this.redis.keys);
    try {
      const reply = run(this, program, fate);
      const isScript = text.startsWith("EVAL");
      if (isScript) this.written = writes(before, this.redis.keys, this.stage);
      this.note(program.name, server, text, reply, { written: isScript ? this.written : [] });
      this.goOn(program, () => program.generator.next(reply));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      this.note(program.name, server, text, error.message, { isError: true });
      this.goOn(program, () => program.generator.throw(error));
    }
  }

  finish(n) {
    const program = this.running[n % this.running.length];
    while (this.running.includes(program) && !this.waits(program)) {
      this.step(this.running.indexOf(program));
    }
  }

  // One transaction at a time: the others wait for its locks.
  waits(program) {
    return program.next.server === "MySQL" && ![null, program].includes(this.transaction?.owner ?? null);
  }

  goOn(program, resume) {
    try {
      const { done, value } = resume();
      if (!done) {
        program.next = value;
        return;
      }
      if (program.user) this.answer(program.user, value);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (program.user) this.answer(program.user, "error");
    }
    this.end(program);
  }

  answer(user, answer) {
    this.answers.push([user, answer]);
    this.note(`apply ${user}`, "", "answer", answer);
  }

  end(program) {
    if (this.transaction?.owner === program) this.rollBack();
    this.running = this.running.filter((one) => one !== program);
  }

  // ---- faults --------------------------------------------------------------------------------

  crash(n) {
    const program = this.running[n % this.running.length];
    if (!program) return;
    this.note(program.name, "", "crash", "");
    // What a producer has not sent yet is in its memory.
    this.kafka.wire = this.kafka.wire.filter((item) => !program.sent.includes(item));
    this.end(program);
  }

  lose(n) { this.step(n, "lose"); }
  unacknowledged(n) { this.step(n, "unacknowledged"); }
  late(n) { this.step(n, "late"); }

  arrive(n) {
    const { wire } = this.kafka;
    if (wire.length) this.deliver(wire[n % wire.length]);
  }

  drop(n) {
    const { wire } = this.kafka;
    if (!wire.length) return;
    const [item] = wire.splice(n % wire.length, 1);
    this.note("", "Kafka", "lost", item.value);
  }

  deliver(item) {
    item.arrived = true;
    this.kafka.wire = this.kafka.wire.filter((one) => one !== item);
    this.kafka.records.push(item.value);
    this.note("", "Kafka", "arrives", item.value);
  }

  again() {
    if (this.isRunning("consumer")) return;
    this.kafka.committed = this.kafka.polled;
    this.note("", "Kafka", "again", this.kafka.committed);
  }

  second() {
    this.now += 1;
    this.disk = structuredClone(this.redis.keys);
    this.note("", "Redis", "copy", "");
  }

  restart() {
    this.redis.keys = structuredClone(this.disk);
    this.redis.history += 1;
    this.note("", "Redis", "restart", "");
  }

  lock() {
    this.locked = !this.locked;
    this.note("", "MySQL", this.locked ? "lock" : "unlock", "");
  }

  // ---- MySQL's transactions ------------------------------------------------------------------

  begin(owner) {
    this.transaction ??= { owner, before: structuredClone(this.mysql) };
  }

  rollBack() {
    this.mysql = this.transaction.before;
    this.transaction = null;
  }

  note(actor, server, text, reply, more = {}) {
    this.log.push({ actor, server, text, reply, isError: false, written: [], ...more });
  }

  // What the Python simulation is compared with, after each action.
  snapshot() {
    const { keys, history } = this.redis;
    const { coupon, failed_event, fence, fence_offset } = this.mysql;
    const rows = coupon.map(({ serial = 0, user }) => [serial, user]);
    return [
      this.now,
      this.locked,
      [history, byName(keys.applied_user), keys.coupon_count ?? 0, byName(keys.pending),
        keys.returned ?? [], keys.epoch ?? "", keys.fence ?? 0,
        (keys.list_epoch ?? "").replace(/:\d+:/, ":")],
      [this.kafka.records, this.kafka.committed, this.kafka.wire.map((item) => item.value)],
      [rows, failed_event.map(({ user, reason = "" }) => [user, reason]), fence,
        fence_offset.map((one) => [one.fence, one.offset])],
      this.running.map(({ name, next }) => [name, next.server]),
      this.answers,
      this.stage < 9 ? this.written : [],
    ];
  }
}

function* consumer(consume) {
  let first = 0;
  const records = yield {
    server: "Kafka", text: "poll",
    run: ({ kafka }) => {
      first = kafka.polled = kafka.committed;
      return kafka.records.slice(kafka.committed);
    },
  };
  if (!records.length) return;
  yield* consume(records, first);
  yield {
    server: "Kafka", text: "commit offset",
    run: ({ kafka }) => (kafka.committed = first + records.length),
  };
}

const byName = (object = {}) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));

export function replay(stage, actions) {
  return actions.reduce((world, action) => world.act(action), new World(stage));
}

// ---- schedules: the same in Python, tests/lab/playground/schedule.py ---------------------------

// How often each letter is drawn.
const WEIGHTS = "aaaaaaasssssssssssssssssssffffffffffffxluzzwwwdcccgeebbbbttrrm";
const ACTIONS = 80;

export function mulberry32(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export function schedule(seed, length = ACTIONS) {
  const draw = mulberry32(seed);
  return Array.from({ length }, () => WEIGHTS[draw() % WEIGHTS.length] + (draw() % 12));
}
