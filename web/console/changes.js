// Changes of a campaign that runs. Each is sent with the version that was read: If-Match.
import { action, Unfit } from "./action.js";
import { versionOf } from "./campaign.js";
import { el, field, show } from "./dom.js";
import { given } from "./list.js";
import { fromInput, moment, number, t, toInput } from "./words.js";

export function changes(place, service, campaign) {
  const said = el("p", { class: "said", role: "status" });
  const cards = el("div", { class: "columns" });
  show(place, said, cards);
  draw();

  function draw(text = "") {
    said.textContent = text;
    said.dataset.mood = "good";
    const { body } = campaign;
    const isOver = body.state === "CLOSED";
    show(
      cards,
      pause(),
      card("raise", t("raise_what", { quantity: number(body.quantity), given: number(given(body)) }), raise()),
      card("extend", t("extend_what", { closes: moment(body.closes_at) }), extend()),
      isOver ? null : card("close", t("close_what"), close()),
      card("rename", t("rename_what"), rename()),
      body.state === "SCHEDULED" ? card("open_at", t("open_at_what"), reopen()) : null,
      body.releases ? releases() : null,
      isOver ? card("archive", t("archive_what"), archive()) : null,
    );
  }

  // The change that `body` makes, sent for the version that is shown.
  function change(body) {
    return {
      method: "PATCH",
      path: `/campaigns/${campaign.id}`,
      body,
      headers: { "If-Match": campaign.etag },
    };
  }

  // A button that sends what `body()` returns.
  function changing(label, body, rest = {}) {
    return action(service, {
      label,
      request: () => {
        const made = body();
        return made ? change(made) : null;
      },
      done: async (answer) => {
        const etag = answer.headers.get("etag");
        campaign.take(answer.body, etag);
        await campaign.read(versionOf(etag) - 1); // the state that it has now
        draw(t("changed"));
      },
      refused: async (error) => {
        if (error.status !== 412) return null;
        // Another administrator, or another window, was first: what holds now is shown.
        await campaign.read(versionOf(campaign.etag));
        draw();
        said.dataset.mood = "bad";
        said.textContent = t("changed_meanwhile");
        return t("changed_meanwhile");
      },
      ...rest,
    });
  }

  function pause() {
    const isPaused = campaign.body.paused;
    const made = changing(t(isPaused ? "resume" : "pause"), () => ({ paused: !isPaused }), {
      style: isPaused ? "first" : "",
    });
    return card(isPaused ? "paused" : "running", t(isPaused ? "resume_what" : "pause_what"), made.node);
  }

  function raise() {
    const { body } = campaign;
    const input = el("input", { type: "number", min: 1, max: 10_000_000, value: body.quantity, inputmode: "numeric" });
    const one = field(t("quantity"), input, t("quantity_hint"));
    const wanted = () => {
      one.refuse("");
      const quantity = Number(input.value);
      if (!Number.isInteger(quantity) || quantity < 1) throw new Unfit(one, t("whole_number"));
      if (quantity === body.quantity) throw new Unfit(one, t("nothing_changes"));
      return quantity;
    };
    const more = changing(t("set_quantity"), () => ({ quantity: wanted() }));
    const less = changing(t("lower_quantity"), () => ({ quantity: wanted() }), {
      style: "danger",
      typed: campaign.id,
      what: t("lower_what"),
    });
    return chosen(input, one, more, less, () => Number(input.value) < body.quantity);
  }

  function extend() {
    const { body } = campaign;
    const input = el("input", { type: "datetime-local", step: 1, value: toInput(body.closes_at) });
    const one = field(t("closes_at"), input, t("browser_zone"));
    // An input holds seconds, the campaign milliseconds.
    const isSame = () => input.value && Date.parse(input.value) === Date.parse(toInput(body.closes_at));
    const wanted = () => {
      one.refuse("");
      if (!input.value) throw new Unfit(one, t("time_missing"));
      if (isSame()) throw new Unfit(one, t("nothing_changes"));
      return fromInput(input.value);
    };
    const later = changing(t("set_end"), () => ({ closes_at: wanted() }));
    const sooner = changing(t("end_sooner"), () => ({ closes_at: wanted() }), {
      style: "danger",
      typed: campaign.id,
      what: t("end_sooner_what"),
    });
    const isSooner = () => input.value && !isSame() && fromInput(input.value) < body.closes_at;
    return chosen(input, one, later, sooner, isSooner);
  }

  function close() {
    return changing(t("close_now"), () => ({ closes_at: "now" }), {
      style: "danger",
      typed: campaign.id,
      what: t("close_warning"),
    }).node;
  }

  function rename() {
    const input = el("input", { value: campaign.body.name, maxlength: 200 });
    const one = field(t("name"), input);
    const made = changing(t("set_name"), () => {
      one.refuse("");
      if (!input.value.trim()) throw new Unfit(one, t("name_missing"));
      return { name: input.value };
    });
    input.addEventListener("input", made.update);
    return el("div", {}, one.node, made.node);
  }

  function reopen() {
    const input = el("input", { type: "datetime-local", step: 1, value: toInput(campaign.body.opens_at) });
    const one = field(t("opens_at"), input, t("browser_zone"));
    const made = changing(t("set_opening"), () => {
      one.refuse("");
      if (!input.value) throw new Unfit(one, t("time_missing"));
      return { opens_at: fromInput(input.value) };
    });
    input.addEventListener("input", made.update);
    return el("div", {}, one.node, made.node);
  }

  function releases() {
    const { body } = campaign;
    const next = body.next_release_at;
    return el(
      "section",
      { class: "card" },
      el("h2", {}, t("releases")),
      el("p", {}, t("released_of", { n: number(body.released) }), next ? ` · ${t("next_release", { at: moment(next) })}` : ""),
      el("ol", {}, body.releases.map((one) => el("li", {}, `${moment(one.at)} · ${number(one.quantity)}`))),
      el("p", { class: "hint" }, t("releases_fixed")),
    );
  }

  function archive() {
    return action(service, {
      label: t("archive"),
      style: "danger",
      typed: campaign.id,
      what: t("archive_warning"),
      request: () => ({ method: "POST", path: `/campaigns/${campaign.id}/archive` }),
      done: async () => {
        location.hash = "#/campaigns";
        return t("archived");
      },
    }).node;
  }
}

function card(name, what, content) {
  return el("section", { class: "card", "data-change": name }, el("h2", {}, t(`change_${name}`)), el("p", { class: "hint" }, what), content);
}

// What narrows asks for the name first, what widens does not: the input says which it is.
function chosen(input, one, widens, narrows, isNarrower) {
  const update = () => {
    widens.node.hidden = isNarrower();
    narrows.node.hidden = !isNarrower();
    widens.update();
    narrows.update();
  };
  input.addEventListener("input", update);
  update();
  return el("div", {}, one.node, widens.node, narrows.node);
}

