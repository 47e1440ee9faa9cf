// A made-up request, decided by a version and explained; nothing is done by it.

import { refusal } from "console/api";
import { choice, el } from "console/dom";
import { explained } from "console/explanation";
import { current, explain, versions } from "console/policy";
import { requestFields, requestOf } from "console/request_form";
import { t } from "console/words";

const MOST = 50;
const root = document.getElementById("view");
const said = el("div", { "aria-live": "polite", id: "answer", tabindex: "-1" });

async function fields() {
  const [zones, listed] = await Promise.all([
    current().then((one) => one.zones.map(({ name }) => name), () => []),
    versions({ limit: MOST }).then(({ items }) => items, () => []),
  ]);
  return [
    requestFields({ zones }),
    el("div", { class: "fields" }, choice("version", t("by_version"), [["", t("by_published")], ...listed.map(({ number, state }) => [String(number), `${t("version_number", { number })} · ${t(`version_${state}`)}`])])),
  ].flat();
}

const button = el("button", { class: "primary" }, t("explain"));
const form = el("form", { id: "explain", class: "card", novalidate: true, onsubmit: submit });

async function submit(event) {
  event.preventDefault();
  if (!form.reportValidity()) return;
  button.disabled = true;
  said.setAttribute("aria-busy", "true");
  try {
    said.replaceChildren(el("h2", {}, t("answer")), ...explained(await explain(requestOf(form), form.elements.version.value)));
    said.scrollIntoView({ block: "nearest" });
    said.focus({ preventScroll: true });
  } catch (error) {
    said.replaceChildren(refusal(error));
  }
  said.removeAttribute("aria-busy");
  button.disabled = false;
}

form.append(...await fields(), el("div", { class: "acts" }, button));
root.append(form, said);
