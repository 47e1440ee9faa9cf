// What cannot be taken back lightly: a dialog that names what will happen, asks for the reason, and says how it went.

import { refusal } from "console/api";
import { el } from "console/dom";
import { t } from "console/words";

const SHORTEST = 3;
const LONGEST = 500;

export function say(kind, text) {
  document.getElementById("said").replaceChildren(el("div", { class: `notice ${kind}`, role: "status" }, text));
}

// `happens`: what will happen, in a sentence; `run(why)` does it; `done`: what is said after it. A `run` that answers false
// came to something else, which it says itself. `beside`: what else is asked for in the dialog.
export function act({ label, about = "", happens, done, run, dangerous = true, ready = () => true, beside = null }) {
  const open = el("button", { type: "button", class: dangerous ? "danger" : "primary", "aria-label": about ? `${label}: ${about}` : null, onclick: () => ready() && ask() }, label);

  function ask() {
    const why = el("textarea", { id: "act-why", required: true, minlength: String(SHORTEST), maxlength: String(LONGEST), "aria-describedby": "act-hint" });
    const wrong = el("div", {});
    const go = el("button", { class: dangerous ? "danger" : "primary" }, label);
    const form = el("form", { class: "stack", novalidate: true, onsubmit: submit },
      el("h2", { id: "act-title" }, label),
      el("p", { id: "act-happens" }, happens()),
      wrong,
      beside,
      el("div", { class: "field" },
        el("label", { for: "act-why" }, t("why")),
        el("p", { class: "hint", id: "act-hint" }, t("why_hint")),
        why),
      el("div", { class: "actions" },
        el("button", { type: "button", onclick: () => dialog.close() }, t("cancel")), go));
    const dialog = el("dialog", { class: "munjigi", "aria-labelledby": "act-title", "aria-describedby": "act-happens", onclose: () => { dialog.remove(); (open.isConnected ? open : document.getElementById("main")).focus(); } }, form);
    document.body.append(dialog);
    dialog.showModal();
    why.focus();

    async function submit(event) {
      event.preventDefault();
      const reason = why.value.trim();
      why.removeAttribute("aria-invalid");
      if (reason.length < SHORTEST) {
        why.setAttribute("aria-invalid", "true");
        wrong.replaceChildren(el("div", { class: "notice danger", role: "alert" }, t("why_missing")));
        why.focus();
        return;
      }
      go.disabled = true;
      wrong.replaceChildren(el("progress", { "aria-label": t("working") }));
      try {
        const came = await run(reason);
        dialog.close();
        if (came !== false) say("success", done());
      } catch (error) {
        wrong.replaceChildren(refusal(error));
        go.disabled = false;
      }
    }
  }
  return open;
}
