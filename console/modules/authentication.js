// How an organisation's people prove who they are: ways that are forbidden, methods that count, keys that are taken.

import { act } from "console/act";
import { refusal } from "console/api";
import { METHODS, REACH_THREE, WAYS, changeRules, models, reachOf, rules, suspectKeys } from "console/authenticating";
import { badge, card, choice, el, field, link, table } from "console/dom";
import { organisation } from "console/identity";
import { list } from "console/list";
import { heading, word } from "console/object";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");
const id = root.dataset.named;
const LEVELS = ["1", "2", "3"];
const FOUND = 20;
const keys = el("section", {}, el("h2", {}, t("suspect_keys")));
let said;
let etag;

function checks(name, title, hint, options, chosen, called) {
  return el("fieldset", {}, el("legend", {}, title), hint ? el("p", { class: "hint" }, hint) : null,
    options.map((value) => el("div", { class: "choice" },
      el("input", { type: "checkbox", name, id: `${name}-${value}`, value, checked: chosen.includes(value) }),
      el("label", { for: `${name}-${value}` }, called(value)))));
}

const chosen = (form, name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map(({ value }) => value);
const lines = (name, label, value) => el("div", { class: "field" },
  el("label", { for: `field-${name}` }, label),
  el("textarea", { id: `field-${name}`, name, class: "lines", rows: "3", spellcheck: "false" }, value.join("\n")));
const listed = (form, name) => form.elements[name].value.split(/\s+/).filter(Boolean).map((one) => one.toLowerCase());

function fields() {
  const { attestation, methods } = said;
  return [
    card(t("forbidden_ways"),
      checks("forbidden", t("forbidden_ways_legend"), t("forbidden_ways_hint"), WAYS, said.forbidden, (way) => word("way", way)),
      el("fieldset", {}, el("legend", {}, t("verified_approvals")),
        el("div", { class: "choice" },
          el("input", { type: "checkbox", id: "verified-approvals", name: "verified_approvals", checked: said.verified_approvals }),
          el("label", { for: "verified-approvals" }, t("verified_approvals_label"))),
        el("p", { class: "hint" }, t("verified_approvals_hint")))),
    card(t("counting"), el("p", { class: "hint" }, t("counting_hint")),
      checks("acr2", t("counts_for_two"), "", METHODS, methods.acr2, (method) => word("counted", method)),
      checks("acr3", t("counts_for_three"), "", REACH_THREE, methods.acr3, (method) => word("counted", method))),
    card(t("attestation"), el("p", { class: "hint" }, t(said.models_known ? "attestation_hint" : "attestation_unknown")),
      choice("demand", t("attestation_demand"), ["none", "attested", "certified"].map((one) => [one, word("demand", one)]), attestation.demand),
      choice("level", t("attestation_level"), LEVELS.map((one) => [one, one]), String(attestation.level)),
      lines("allowed", t("models_allowed"), attestation.allowed),
      lines("denied", t("models_denied"), attestation.denied),
      finding()),
  ];
}

// Which model has which number: asked for by whoever looks for one.
function finding() {
  if (!said.models_known) return null;
  const shown = el("div", { "aria-live": "polite" });
  const name = field("model_name", t("find_model"), { autocomplete: "off", maxlength: "100" });
  const find = async () => {
    try {
      const { models: found } = await models(name.querySelector("input").value.trim());
      shown.replaceChildren(table(t("models"), [
        [t("model"), (one) => one.name],
        ["AAGUID", (one) => el("code", {}, one.aaguid)],
        [t("certified"), (one) => (one.refused ? badge("danger", one.refused) : String(one.certified || "–"))],
      ], found.slice(0, FOUND), t("no_models")));
    } catch (error) {
      shown.replaceChildren(refusal(error));
    }
  };
  return el("details", {}, el("summary", {}, t("find_model")), name,
    el("div", { class: "acts" }, el("button", { type: "button", onclick: find }, t("find"))), shown);
}

const asked = (form) => ({
  attestation: {
    demand: form.elements.demand.value, level: Number(form.elements.level.value),
    allowed: listed(form, "allowed"), denied: listed(form, "denied"),
  },
  methods: { acr2: chosen(form, "acr2"), acr3: chosen(form, "acr3") },
  forbidden: chosen(form, "forbidden"),
  verified_approvals: form.elements.verified_approvals.checked,
});

// Whom a change would hit is shown before it can be made; whoever would be stuck is named.
async function hit(form) {
  const { forbidden, verified_approvals: verified } = asked(form);
  const found = await reachOf(id, { forbidden, verified_approvals: verified });
  const said = found.use
    ? t("hit_told", { use: found.use, led: found.led, stuck: found.stuck })
    : t("hit_nobody");
  return [found, el("div", {},
    el("p", { class: found.stuck ? "notice danger" : found.led ? "notice warning" : "notice success" }, said),
    found.people.length ? table(t("hit"), [
      [t("person"), (one) => link(`/people/${one.user_id}`, one.display_name)],
      [t("has"), (one) => one.has.map((kind) => word("way", kind)).join(", ")],
      [t("what_happens"), (one) => badge(one.hit === "stuck" ? "danger" : "warning", word("hit", one.hit))],
    ], found.people, "") : null)];
}

async function show() {
  const [answer, one] = await Promise.all([rules(id), organisation(id)]);
  ({ said, etag } = answer);
  heading(t("authentication_of", { name: one.name }));
  const shown = el("div", { "aria-live": "polite" });
  const anyway = el("p", { class: "choice", hidden: true },
    el("input", { type: "checkbox", id: "anyway", name: "anyway" }), el("label", { for: "anyway" }, t("anyway")));
  const look = async () => {
    shown.replaceChildren(el("progress", { "aria-label": t("working") }));
    try {
      const [found, told] = await hit(form);
      shown.replaceChildren(told);
      anyway.hidden = !found.stuck;
    } catch (error) {
      shown.replaceChildren(refusal(error));
    }
  };
  const form = el("form", { id: "authentication", novalidate: true, onsubmit: (event) => { event.preventDefault(); save.click(); },
    onchange: ({ target }) => { if (["forbidden", "verified_approvals"].includes(target.name)) look(); } },
    el("div", { class: "object" }, fields()));
  const save = act({
    label: t("save"),
    dangerous: false,
    happens: () => t("authentication_happens", { name: one.name }),
    done: () => t("save_done", { name: one.name }),
    run: async (why) => {
      await changeRules(id, { why, ...asked(form), anyway: form.elements.anyway.checked }, etag);
      await show();
      suspects.refresh();
    },
  });
  form.append(el("div", { class: "acts" }, el("button", { type: "button", onclick: look }, t("whom_it_hits"))), shown, anyway,
    el("div", { class: "acts" }, save));
  root.replaceChildren(el("p", {}, link(`/organisations/${id}`, one.name)), form, keys);
}

let suspects;
try {
  await show();
  suspects = list(keys, {
    name: t("suspect_keys"),
    load: (query) => suspectKeys(id, query),
    key: (one) => one.cursor,
    empty: t("no_suspect_keys"),
    columns: [
      [t("person"), (one) => link(`/people/${one.user_id}`, one.display_name)],
      [t("key"), (one) => one.label],
      [t("model"), (one) => one.model || "–"],
      [t("reason"), (one) => badge("danger", one.status || word("suspect", one.why))],
      [t("suspect_since"), (one) => (one.since ? el("time", { datetime: one.since, title: ago(one.since) }, moment(one.since)) : "–")],
    ],
  });
} catch (error) {
  root.replaceChildren(refusal(error));
}
