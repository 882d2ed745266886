// Each server's light, from GET /ready. A color alone says nothing: each has its word.
import { call, jittered, Offline } from "../shared/api.js";
import { el, show } from "./dom.js";
import { repeat } from "./repeat.js";
import { named, t } from "./words.js";

const EVERY_MS = 3000;
const SERVERS = { redis: "Redis", kafka: "Kafka", mysql: "MySQL" };

export function lights() {
  const node = el("ul", { class: "lights", "aria-label": t("servers") });
  const draw = (states) =>
    show(
      node,
      Object.entries(SERVERS).map(([name, shown]) => {
        const state = states[name] ?? "unknown";
        return el(
          "li",
          { "data-state": state, "data-server": name },
          el("span", { class: "dot", "aria-hidden": "true" }),
          el("span", {}, shown),
          el("span", { class: "state" }, named("light", state)),
        );
      }),
    );
  draw({});
  const stop = repeat(async () => {
    let wait = EVERY_MS;
    try {
      // No token: anyone may ask, and an answer 503 has the states as well.
      const answer = await call("GET", "/ready", {});
      draw(answer.body ?? {});
      wait = Math.max(EVERY_MS, answer.retryAfterMs ?? 0);
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      draw({});
    }
    return jittered(wait);
  });
  return { node, stop };
}
