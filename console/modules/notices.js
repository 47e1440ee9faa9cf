// What people are written in a programme: on each occasion its own words or the shipped ones, and how they read.

import { act } from "console/act";
import { refusal } from "console/api";
import { badge, choice, el, field, link } from "console/dom";
import { changeWords, previewNotices, programme } from "console/programming";
import { heading, word } from "console/object";
import { locale, t } from "console/words";

const root = document.getElementById("view");
const LOCALES = ["ko", "en"];
const WAIT = 400;
const called = (phase) => phase.name[locale] ?? phase.key;
let one;

async function show() {
  one = await programme(root.dataset.named);
  heading(t("notices_of", { name: one.name }));
  const phases = choice("phase", t("filled_for"), one.phases.map((phase) => [phase.id, called(phase)]), one.phases[0].id);
  const name = field("name", t("programme_name"), { value: one.name, required: true, maxlength: "200" });
  const wrong = el("div", { "aria-live": "polite" });
  const cards = new Map();
  const shipped = (await previewNotices(one, one.phases[0], {})).notices;

  const texts = () => Object.fromEntries([...cards].filter(([, { own }]) => own.checked).map(([occasion, { typed }]) => [occasion,
    Object.fromEntries(LOCALES.map((at) => [at, { subject: typed[at].subject.value, text: typed[at].text.value }]))]));

  let waiting;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(preview, WAIT); };
  async function preview() {
    const phase = one.phases.find(({ id }) => id === phases.querySelector("select").value);
    try {
      const { notices } = await previewNotices(one, phase, texts());
      wrong.replaceChildren();
      for (const { occasion, filled } of notices) cards.get(occasion).fill(filled);
    } catch (error) {
      wrong.replaceChildren(refusal(error));
    }
  }

  function occasionCard({ occasion, said }) {
    const kept = one.texts[occasion];
    const typed = {};
    const shown = {};
    const own = el("input", { type: "checkbox", id: `own-${occasion}`, checked: Boolean(kept), onchange: () => { edit.hidden = !own.checked; mark.hidden = !own.checked; preview(); } });
    const mark = badge("information", t("own_words"));
    mark.hidden = !kept;
    const edit = el("div", { class: "object", hidden: !kept }, LOCALES.map((at) => {
      const words = (kept ?? said)[at];
      const subject = field(`${occasion}-${at}-subject`, t(`subject_${at}`), { value: words.subject, maxlength: "120", lang: at, required: true, oninput: later });
      const text = el("div", { class: "field" }, el("label", { for: `${occasion}-${at}-text` }, t(`text_${at}`)),
        el("textarea", { id: `${occasion}-${at}-text`, rows: "5", maxlength: "2000", lang: at, required: true, oninput: later }, words.text));
      typed[at] = { subject: subject.querySelector("input"), text: text.querySelector("textarea") };
      return el("div", {}, subject, text);
    }));
    const read = el("div", { class: "object" }, LOCALES.map((at) => {
      shown[at] = { subject: el("strong", {}), text: el("p", {}) };
      return el("div", { class: "notice information", lang: at }, shown[at].subject, shown[at].text);
    }));
    cards.set(occasion, { own, typed, fill: (filled) => {
      for (const at of LOCALES) {
        shown[at].subject.textContent = filled[at].subject;
        shown[at].text.textContent = filled[at].text;
      }
    } });
    return el("section", { class: "card", "aria-labelledby": `occasion-${occasion}` },
      el("h2", { id: `occasion-${occasion}` }, word("occasion", occasion), " ", mark),
      el("div", { class: "choice" }, own, el("label", { for: `own-${occasion}` }, t("say_it_ourselves"))),
      edit, el("h3", {}, t("people_read")), read);
  }

  const save = act({
    label: t("save"),
    dangerous: false,
    ready: () => form.reportValidity(),
    happens: () => t("notices_happens"),
    done: () => t("save_done", { name: one.name }),
    run: async (why) => { await changeWords(one, { why, name: name.querySelector("input").value.trim(), texts: texts() }); await show(); },
  });
  // what is hidden stands in the shipped words, and is not looked at
  const form = el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); save.click(); } },
    el("div", { class: "fields" }, name, phases), el("p", { class: "hint" }, t("placeholders", { open: "{", close: "}" })), wrong, shipped.map(occasionCard),
    el("div", { class: "acts" }, save));
  phases.querySelector("select").addEventListener("change", preview);
  root.replaceChildren(el("p", { class: "acts above" }, link(`/programmes/${one.id}`, one.name), link(`/plan/${one.id}`, t("plan"))), form);
  await preview();
}

try {
  await show();
} catch (error) {
  root.replaceChildren(refusal(error));
}
