// The page: draws the world after the actions up to a position, and turns buttons into actions.

import { marked, mysqlLists, redisLists } from "./draw.js";
import { EXAMPLES } from "./examples.js";
import { promises } from "./promises.js";
import { replay, schedule } from "./protocol.js";
import { PEOPLE } from "./servers.js";
import { speaker } from "./texts.js";

const STAGES = [4, 5, 6, 7, 8, 9];
const PLAY_MS = 700;
const SEED_MAX = 2 ** 32;
const LOG_MAX = 60;
const SYMBOLS = { kept: "✓", waiting: "…", broken: "✗", added: "+", changed: "~", removed: "-" };

const run = { stage: 4, seed: null, actions: [], position: 0, timer: null, message: "" };
let language = navigator.language?.startsWith("ko") ? "ko" : "en";
let say = speaker(language);

// ---- building elements ---------------------------------------------------------------------------

const $ = (selector) => document.querySelector(selector);

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick" || name === "oninput") element[name] = value;
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== "" && child !== null));
  return element;
}

const button = (text, key, onclick, more = {}) =>
  h("button", { type: "button", "data-key": key, onclick, ...more }, text);

// ---- the address ---------------------------------------------------------------------------------

function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  if (address.has("lang")) language = address.get("lang") === "ko" ? "ko" : "en";
  run.stage = STAGES.find((stage) => `${stage}` === address.get("stage")) ?? 4;
  run.seed = /^\d+$/.test(address.get("seed") ?? "") ? Number(address.get("seed")) % SEED_MAX : null;
  const own = (address.get("do") ?? "").split(".").filter((one) => /^[asfxluzwdcgebtrm]\d{0,3}$/.test(one));
  run.actions = [...(run.seed === null ? [] : schedule(run.seed)), ...own];
  run.position = 0;
  run.message = "";
  if (run.actions.length) play();
}

function addressOf() {
  const drawn = run.seed === null ? [] : schedule(run.seed);
  const isDrawn = drawn.length > 0 && drawn.every((action, index) => run.actions[index] === action);
  if (!isDrawn) run.seed = null;
  const own = run.actions.slice(isDrawn ? drawn.length : 0).join(".");
  const parts = [`stage=${run.stage}`, isDrawn ? `seed=${run.seed}` : "", own ? `do=${own}` : "", `lang=${language}`];
  return `#${parts.filter(Boolean).join("&")}`;
}

function writeAddress() {
  history.replaceState(null, "", addressOf());
}

// ---- the run -------------------------------------------------------------------------------------

function act(action) {
  stop();
  run.actions = [...run.actions.slice(0, run.position), action];
  run.position += 1;
  changed();
}

function begin(stage, seed = null, actions = []) {
  stop();
  Object.assign(run, { stage, seed, actions: seed === null ? [...actions] : schedule(seed), position: 0 });
  changed();
}

function undo() {
  stop();
  run.actions = run.actions.slice(0, Math.max(0, run.position - 1));
  run.position = run.actions.length;
  changed();
}

function goTo(position) {
  run.position = Math.min(Math.max(0, position), run.actions.length);
  if (run.position === run.actions.length) stop();
  draw();
}

function play() {
  if (run.position === run.actions.length) run.position = 0;
  run.timer ??= setInterval(() => goTo(run.position + 1), PLAY_MS);
  draw();
}

function stop() {
  clearInterval(run.timer);
  run.timer = null;
}

function changed() {
  run.message = "";
  writeAddress();
  draw();
}

async function share() {
  writeAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    run.message = say("shared");
  } catch {
    run.message = say("address"); // the clipboard is closed to some pages; the field below is not
  }
  draw();
  const field = $("[data-key=address]");
  field.focus();
  field.select();
}

// ---- drawing -------------------------------------------------------------------------------------

function draw() {
  const focused = document.activeElement?.dataset.key;
  const world = replay(run.stage, run.actions.slice(0, run.position));
  const before = replay(run.stage, run.actions.slice(0, Math.max(0, run.position - 1)));
  document.documentElement.lang = language;
  document.title = `seonchak · ${say("title")}`;
  document.querySelectorAll("[data-text]").forEach((one) => { one.textContent = say(one.dataset.text); });
  document.querySelectorAll("[data-language]").forEach((one) => {
    one.setAttribute("aria-pressed", one.dataset.language === language);
  });
  $("#report")?.setAttribute("href", `index.html#${language}/stage-${run.stage}`);
  $("#stages").setAttribute("aria-label", say("stage"));
  $("#stages").replaceChildren(...STAGES.map((stage) =>
    button(say("stage_n", { stage }), `stage${stage}`, () => begin(stage), { "aria-pressed": stage === run.stage ? "true" : "false" })));
  $("#about").replaceChildren(h("b", {}, say(`stage${run.stage}`)),
    button(say(`watch${run.stage}`), "watch", () => { begin(run.stage, null, EXAMPLES[run.stage]); play(); }));
  $("#people").replaceChildren(...PEOPLE.map((user, index) => person(world, user, index)));
  $("#programs").replaceChildren(...programs(world));
  $("#faults").replaceChildren(...faults(world));
  drawServers(world, before);
  $("#promises").replaceChildren(...promises(world).map(lamp));
  $("#log").replaceChildren(...logOf(world));
  $("#run").replaceChildren(...player());
  $("#live").textContent = $("#log").firstElementChild?.textContent ?? "";
  restoreFocus(focused);
}

function restoreFocus(key) {
  if (!key || document.activeElement?.dataset.key === key) return;
  const same = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && !one.disabled);
  (same ?? $("#programs button") ?? $("#people button")).focus({ preventScroll: true });
}

function person(world, user, index) {
  const answers = world.answers.filter(([one]) => one === user);
  const isAsking = world.running.some((program) => program.user === user);
  const hasCrashed = world.log.findLast(({ actor, text }) =>
    actor === `apply ${user}` && ["crash", "answer"].includes(text))?.text === "crash";
  const state = isAsking ? say("asks") : hasCrashed ? say("no_answer")
    : answers.length ? say("person_reads", { answer: say(answers.at(-1)[1]) }) : say("not_yet");
  return h("div", { class: "person" },
    h("div", {}, h("b", {}, say(user)), h("span", { class: "soft" }, state)),
    button(say("apply"), `a${index}`, () => act(`a${index}`), { "aria-label": `${say(user)}: ${say("apply")}` }));
}

function nameOf({ name, user }) {
  if (user) return `${say(user)}: ${say("apply")}`;
  return name === "clock" ? say(run.stage >= 8 ? "relay" : "redrive") : say(name);
}

function programs(world) {
  if (!world.running.length) return [h("p", { class: "soft" }, say("none_running"))];
  return world.running.map((program, index) => {
    const { server, text, isAck } = program.next;
    const does = (letter, more = {}) => button(say({ s: "step", f: "finish", x: "crash", l: "lose", u: "unacknowledged", z: "late" }[letter]),
      `${letter}/${program.name}`, () => act(`${letter}${index}`), { "aria-label": null, disabled: world.waits(program) && "sf".includes(letter), ...more });
    return h("div", { class: "program" },
      h("b", {}, nameOf(program)),
      h("span", { class: "call" }, h("span", { class: server }, server), ` ${text}`),
      world.waits(program) ? h("p", { class: "warn" }, say("waits")) : "",
      h("div", { class: "row" }, does("s", { class: "first" }), does("f"), does("x"),
        ...(isAck ? [does("l"), does("u"), does("z")] : [])));
  });
}

function faults(world) {
  const { programs: stage, running } = world;
  const runs = (name) => running.some((program) => program.name === name);
  const all = [
    ["c", "consume", stage.consume, runs("consumer")],
    ["g", "again", stage.consume, runs("consumer") || world.kafka.committed === world.kafka.polled],
    ["e", run.stage >= 8 ? "relay" : "redrive", stage.every_second, runs("clock")],
    ["b", "rebuild", stage.rebuild, runs("rebuild")],
    ["t", "second", true, false],
    ["r", "restart", true, false],
    ["m", world.locked ? "unlock" : "lock", true, false],
  ];
  return all.filter(([, , exists]) => exists).map(([letter, key, , isOff]) =>
    button(say(key), letter, () => act(letter), { disabled: isOff, title: key === "second" || key === "restart" ? say(`${key}_hint`) : null }));
}

function drawServers(world, before) {
  const redis = marked(redisLists(world, say), redisLists(before, say));
  const isSame = JSON.stringify(world.disk) === JSON.stringify(world.redis.keys);
  $("#redis").replaceChildren(h("h2", {}, h("span", { class: "Redis" }, "Redis"),
    h("span", { class: "soft" }, `${say("copy")}: ${say(isSame ? "copy_same" : "copy_old")}`)), ...redis.flatMap(list));
  const mysql = marked(mysqlLists(world, say), mysqlLists(before, say));
  $("#mysql").replaceChildren(h("h2", {}, h("span", { class: "MySQL" }, "MySQL")), ...mysql.flatMap(list));
  drawKafka(world, before);
}

function list({ title, entries, note }) {
  const items = entries.map((one) => h("li", { class: `entry ${one.mark ?? ""}` },
    h("span", {}, one.text),
    one.mark ? h("span", { class: "tag" }, `${SYMBOLS[one.mark]} ${say(one.mark)}`) : "",
    one.note ? h("span", { class: "warn" }, one.note) : ""));
  return [h("h3", {}, title), note ? h("p", { class: "warn" }, note) : "",
    items.length ? h("ul", { class: "entries" }, ...items) : h("p", { class: "soft" }, say("empty"))].filter(Boolean);
}

function drawKafka({ kafka, stage }, before) {
  const title = h("h2", {}, h("span", { class: "Kafka" }, "Kafka"));
  if (stage === 4) {
    $("#kafka").replaceChildren(title, h("p", { class: "soft" }, "–"));
    return;
  }
  const isNew = (index) => index >= before.kafka.records.length;
  const rows = kafka.records.map((value, index) => h("li", { class: `entry ${isNew(index) ? "added" : ""}` },
    h("span", {}, `${index}  ${value}`), isNew(index) ? h("span", { class: "tag" }, `${SYMBOLS.added} ${say("added")}`) : ""));
  const moved = kafka.committed !== before.kafka.committed ? ` ${SYMBOLS.changed} ${say("changed")}` : "";
  rows.splice(kafka.committed, 0, h("li", { class: "offset" }, `${say("committed")} ${kafka.committed}${moved}`));
  const isSent = (item) => before.kafka.wire.some(({ number }) => number === item.number);
  const wire = kafka.wire.map((item, index) => h("li", { class: `entry ${isSent(item) ? "" : "added"}` },
    h("span", {}, item.value), isSent(item) ? "" : h("span", { class: "tag" }, `${SYMBOLS.added} ${say("added")}`),
    h("span", { class: "row" },
      button(say("arrives"), `w${item.number}`, () => act(`w${index}`), { "aria-label": `${item.value}: ${say("arrives")}` }),
      button(say("lost"), `d${item.number}`, () => act(`d${index}`), { "aria-label": `${item.value}: ${say("lost")}` }))));
  $("#kafka").replaceChildren(title, h("h3", {}, "coupon_create"), h("ul", { class: "entries" }, ...rows),
    h("h3", {}, say("wire")), wire.length ? h("ul", { class: "entries" }, ...wire) : h("p", { class: "soft" }, say("empty")));
}

function lamp({ name, state, who }) {
  const names = who.map((user) => say(user)).join(", ");
  return h("li", { class: `promise ${state}` },
    h("b", {}, say(name === "crash" ? "crash_promise" : name)),
    h("span", { class: "state" }, `${SYMBOLS[state]} ${say(`state.${state}`)}`),
    who.length ? h("span", {}, state === "broken" ? say(`why.${name}`, { who: names }) : names) : "");
}

function logOf(world) {
  if (!world.log.length) return [h("li", { class: "soft" }, say("log_empty"))];
  return world.log.slice(-LOG_MAX).reverse().map(({ actor, server, text, reply, isError, written }) => {
    const user = actor.startsWith("apply ") ? actor.slice(6) : "";
    const isEvent = !actor || !server;
    const words = isEvent ? say(`log.${text}`) : text;
    const shown = text === "answer" ? say(reply) : showReply(reply);
    return h("li", {}, actor ? `${nameOf({ name: actor, user })} · ` : "",
      server ? h("span", { class: server }, server) : "", " ", isEvent ? words : h("code", {}, words), " ",
      shown === "" ? "" : h("span", { class: isError ? "wrong" : "reply" }, `→ ${shown}`),
      written.length ? h("ul", {}, ...written.map((command) => h("li", {}, h("code", {}, command)))) : "");
  });
}

function showReply(reply) {
  if (reply instanceof Map) return [...reply].map(([{ user }, reason]) => `${user}: ${reason}`).join(", ") || "OK";
  if (reply?.outcome) return `${reply.outcome} ${reply.serial ?? ""}`;
  if (reply?.earlier) return "BEGUN";
  if (reply?.value) return "";
  return typeof reply === "object" ? JSON.stringify(reply) : `${reply ?? "nil"}`;
}

function player() {
  const { actions, position, timer } = run;
  const seed = h("input", { type: "number", min: 0, max: SEED_MAX - 1, value: run.seed ?? 1, "data-key": "seed", "aria-label": say("seed"), id: "seed" });
  const slider = h("input", { type: "range", min: 0, max: actions.length, value: position, "data-key": "position",
    "aria-label": say("position"), oninput: (event) => { stop(); goTo(Number(event.target.value)); } });
  return [
    h("div", { class: "row" }, button(say("undo"), "undo", undo, { disabled: !position }),
      button(say("reset"), "reset", () => begin(run.stage), { disabled: !actions.length }),
      button(say("share"), "share", share, { disabled: !actions.length })),
    h("div", { class: "row" },
      button("◀", "back", () => { stop(); goTo(position - 1); }, { disabled: !position, "aria-label": say("back") }),
      button(say(timer ? "pause" : "play"), "play", () => { if (timer) { stop(); draw(); } else play(); }, { disabled: !actions.length, class: "first" }),
      button("▶", "forward", () => { stop(); goTo(position + 1); }, { disabled: position === actions.length, "aria-label": say("forward") }),
      h("span", {}, `${position} / ${actions.length}`)),
    slider,
    h("div", { class: "row" }, h("label", { for: "seed" }, say("seed")), seed,
      button(say("play_seed"), "play_seed", () => { begin(run.stage, Math.abs(Math.trunc(Number(seed.value))) % SEED_MAX); play(); }),
      button(say("dice"), "dice", () => { begin(run.stage, Math.floor(Math.random() * SEED_MAX)); play(); })),
    h("div", {}, h("label", { for: "address", class: "soft" }, run.message || say("address")),
      h("input", { readonly: true, value: location.href, id: "address", "data-key": "address" })),
  ];
}

document.querySelectorAll("[data-language]").forEach((one) => {
  one.onclick = () => {
    language = one.dataset.language;
    say = speaker(language);
    writeAddress();
    draw();
  };
});
addEventListener("hashchange", () => { stop(); readAddress(); say = speaker(language); draw(); });
readAddress();
say = speaker(language);
draw();
