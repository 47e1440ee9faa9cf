// A form over the page. What is typed holds at once, so that it is checked, and kept, with everything else; whoever
// leaves by "Cancel" or Escape has it as it was.

import { el } from "console/dom";
import { t } from "console/words";

export function formDialog({ title, fields, typed, undo, beside = null, focus }) {
  const opener = document.activeElement;
  let undone = false;
  const form = el("form", { class: "stack", novalidate: true, oninput: () => typed(form), onchange: () => typed(form), onsubmit: (event) => {
    event.preventDefault();
    if (!form.reportValidity()) return;
    typed(form);
    dialog.close();
  } },
    el("h2", { id: "form-title" }, title),
    fields,
    beside,
    el("div", { class: "actions" },
      el("button", { type: "button", onclick: () => { undone = true; dialog.close(); } }, t("cancel")),
      el("button", { class: "primary" }, t("done"))));
  const dialog = el("dialog", {
    class: "munjigi wider",
    "aria-labelledby": "form-title",
    oncancel: () => { undone = true; },
    onclose: () => {
      if (undone) undo();
      dialog.remove();
      (opener?.isConnected ? opener : focus()).focus();
    },
  }, form);
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector("input:not([readonly]), select") ?? dialog).focus();
  return dialog;
}
