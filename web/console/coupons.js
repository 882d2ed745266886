// Who has won: page by page or one person, masked until asked; exported and revoked from here.
import { action, say, Unfit } from "./action.js";
import { command } from "./curl.js";
import { el, field, nothing, show, table } from "./dom.js";
import { exported, PAGE } from "./export.js";
import { explained, masked, moment, named, number, t } from "./words.js";

const LIMIT = 50;
// Crockford base32; a user's id may look like a code, so both are looked for.
const CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/;

export function coupons(place, service, campaign) {
  const path = `/campaigns/${campaign.id}/coupons`;
  const said = el("p", { class: "said", role: "status" });
  const list = el("div", {});
  const chosen = el("div", {});
  const reveal = el("button", { type: "button", class: "plain", "aria-pressed": "false" }, t("reveal"));
  const more = el("button", { type: "button", class: "plain", hidden: true }, t("next_page"));
  const search = el("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const wanted = field(t("search"), search, t("search_hint"));
  const find = el("button", { type: "submit", class: "plain" }, t("find"));
  const form = el("form", { class: "search", role: "search" }, wanted.node, find);
  const asCsv = { method: "GET", path: `${path}?limit=${PAGE}`, headers: { Accept: "text/csv" } };
  const shown = command(service.address, () => asCsv);
  let rows = [];
  let next = null;
  let isRevealed = false;

  show(place, form, el("p", { class: "row" }, reveal, csv()), said, chosen, list, el("p", { class: "row" }, more), shown.node);
  load(`${path}?limit=${LIMIT}`);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look(search.value.trim());
  });
  reveal.addEventListener("click", () => {
    isRevealed = !isRevealed;
    reveal.setAttribute("aria-pressed", String(isRevealed));
    reveal.textContent = t(isRevealed ? "mask" : "reveal");
    draw();
  });
  more.addEventListener("click", () => load(`${path}?limit=${LIMIT}&after=${next}`));

  async function load(from) {
    try {
      const { body } = await service.get(from);
      rows = body.coupons;
      next = body.next_after;
      more.hidden = next === null;
      draw();
      say(said, rows.length ? "" : t("no_coupons"), "");
    } catch (error) {
      say(said, explained(error), "bad");
    }
  }

  async function look(text) {
    show(chosen);
    if (!text) return load(`${path}?limit=${LIMIT}`);
    const code = text.toUpperCase().replaceAll("-", "");
    try {
      const found = CODE.test(code) ? await ofCode(code) : [];
      rows = found.length ? found : await ofUser(text);
      next = null;
      more.hidden = true;
      draw();
      say(said, rows.length ? t("found_n", { n: number(rows.length) }) : t("found_none"), "");
    } catch (error) {
      say(said, explained(error), "bad");
    }
  }

  async function ofUser(user) {
    const answer = await service.get(`${path}?user_id=${encodeURIComponent(user)}`);
    return answer.body.coupons;
  }

  // A code alone names its campaign and its serial; the list has the user as well.
  async function ofCode(code) {
    let coupon;
    try {
      coupon = (await service.get(`/coupons/${code}`)).body;
    } catch (error) {
      if (error.code === "COUPON_NOT_FOUND") return [];
      throw error;
    }
    if (coupon.campaign_id !== campaign.id) return [];
    const answer = await service.get(`${path}?after=${coupon.serial - 1}&limit=1`);
    return answer.body.coupons.filter((one) => one.code === code);
  }

  function draw() {
    const hide = (text) => (isRevealed ? text : masked(text));
    const columns = [{ text: t("serial"), kind: "number" }, t("user"), t("code"), t("state"), { text: t("admitted_at"), kind: "time" }, t("order"), t("action")];
    const cells = rows.map((one) => [
      number(one.serial),
      hide(one.user_id),
      el("code", {}, hide(one.code)),
      el("span", { class: "pill", "data-state": one.state }, named("coupon", one.state)),
      moment(one.admitted_at),
      one.order_id ? hide(one.order_id) : "–",
      one.state === "REVOKED" ? "–" : choice(one),
    ]);
    show(list, rows.length ? table(t("part_coupons"), columns, cells, { hidesCaption: true }) : nothing(t("no_coupons")));
  }

  function choice(coupon) {
    const label = t("revoke_serial", { serial: number(coupon.serial) });
    const button = el("button", { type: "button", class: "plain small", "aria-label": label }, t("revoke"));
    button.addEventListener("click", () => {
      show(chosen, revoking(coupon));
      chosen.querySelector("input").focus();
    });
    return button;
  }

  function revoking(coupon) {
    const reason = field(t("reason"), el("input", { maxlength: 200, autocomplete: "off" }), t("reason_hint"));
    const back = el("input", { type: "checkbox", id: "return-to-pool" });
    const made = action(service, {
      label: t("revoke"),
      style: "danger",
      typed: `${campaign.id}/${coupon.serial}`,
      what: t("revoke_what", { serial: number(coupon.serial), user: masked(coupon.user_id) }),
      request: () => {
        reason.refuse("");
        const text = reason.control.value.trim();
        if (!text) throw new Unfit(reason, t("reason_missing"));
        return {
          method: "POST",
          path: `/coupons/${coupon.code}/revocation`,
          body: { reason: text, return_to_pool: back.checked },
        };
      },
      // The code is worth money: the command has it only where it is shown anyway.
      shown: (sent) => (isRevealed ? sent : { ...sent, path: "/coupons/CODE/revocation" }),
      done: async (answer) => {
        rows = rows.map((one) => (one.serial === coupon.serial ? { ...one, state: answer.body.state } : one));
        draw();
        return t(answer.body.place_returned ? "revoked_returned" : "revoked");
      },
    });
    reason.control.addEventListener("input", made.update);
    back.addEventListener("change", made.update);
    const heading = t("revoke_serial", { serial: number(coupon.serial) });
    return el(
      "section",
      { class: "card" },
      el("h2", {}, heading),
      reason.node,
      el("p", { class: "check" }, back, el("label", { for: back.id }, t("return_to_pool"))),
      made.node,
    );
  }

  function csv() {
    const button = el("button", { type: "button", class: "plain" }, t("export"));
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const count = await exported(service, campaign.id, (n) => say(said, t("exporting", { n: number(n) }), ""));
        say(said, t("exported", { n: number(count) }), "good");
      } catch (error) {
        say(said, explained(error), "bad");
      } finally {
        button.disabled = false;
      }
    });
    return button;
  }
}
