// A new campaign: the form, its command, and beside it what an applicant will see.
import { action, Unfit } from "./action.js";
import { campaignForm } from "./create_form.js";
import { el, show } from "./dom.js";
import { PREVIEWED, previewer } from "./preview.js";
import { t } from "./words.js";

export function createPage(main, service) {
  const form = campaignForm();
  const seen = el("div", { class: "preview" });
  const state = el(
    "select",
    { id: "preview-state" },
    PREVIEWED.map((one) => el("option", { value: one }, t(`preview_${one}`))),
  );
  const create = action(service, {
    label: t("create"),
    style: "first",
    request: () => ({ method: "POST", path: "/campaigns", body: form.body() }),
    done: async (answer) => {
      location.hash = `#/campaigns/${answer.body.id}`;
      return t("created");
    },
    refused: (error) => {
      // "opens_at: must be …" is about one field, and is shown beside it.
      const named = /^([a-z_]+)[.:]/.exec(error.message)?.[1];
      return error.code === "INVALID_REQUEST" && form.refuse(named, error.message) ? t("see_field") : null;
    },
  });

  const waits = el("p", { class: "nothing" });
  let shown = null;
  let isDue = false;
  function changed() {
    form.clear();
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      create.update();
      draw();
    });
  }

  function draw() {
    if (!shown) return;
    let body;
    try {
      body = form.body();
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      waits.textContent = t("preview_waits", { field: error.field.label });
    }
    waits.hidden = Boolean(body);
    shown.node.hidden = !body;
    if (body) shown.draw(body, state.value);
  }

  form.node.addEventListener("input", changed);
  form.node.addEventListener("change", changed);
  state.addEventListener("change", draw);
  show(
    main,
    el("div", { class: "title" }, el("h1", {}, t("new_campaign"))),
    el(
      "div",
      { class: "beside" },
      el("section", { class: "card" }, form.node, create.node),
      el(
        "section",
        { class: "card sticky", "aria-label": t("preview") },
        el("div", { class: "title" }, el("h2", {}, t("preview")), el("label", { class: "only-read", for: state.id }, t("preview_as")), state),
        el("p", { class: "hint" }, t("preview_what")),
        seen,
      ),
    ),
  );
  previewer().then(
    (made) => {
      shown = made;
      show(seen, waits, shown.node);
      draw();
    },
    (error) => show(seen, el("p", { class: "nothing" }, t("no_preview", { why: error.message }))),
  );
}

