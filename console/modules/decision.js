// One decision, explained by the version that took it, or by any other.

import { refusal } from "console/api";
import { choice, el, link } from "console/dom";
import { explained } from "console/explanation";
import { heading } from "console/object";
import { explanation, versions } from "console/policy";
import { t } from "console/words";

const MOST = 50;
const root = document.getElementById("view");
const id = root.dataset.named;
const at = new URL(location.href);
const said = el("div", { "aria-live": "polite" });

async function by() {
  const { items } = await versions({ limit: MOST });
  const select = choice("version", t("by_version"), [["", t("by_its_own")], ...items.map(({ number, state }) => [String(number), `${t("version_number", { number })} · ${t(`version_${state}`)}`])],
    at.searchParams.get("version") ?? "");
  select.querySelector("select").addEventListener("change", ({ target }) => {
    if (target.value) at.searchParams.set("version", target.value);
    else at.searchParams.delete("version");
    history.replaceState(null, "", at);
    show();
  });
  return el("form", { class: "tools", onsubmit: (event) => event.preventDefault() }, select);
}

async function show() {
  said.setAttribute("aria-busy", "true");
  try {
    said.replaceChildren(...explained(await explanation(id, at.searchParams.get("version"))));
  } catch (error) {
    said.replaceChildren(el("div", { class: "object" }, refusal(error)));
  }
  said.removeAttribute("aria-busy");
}

heading(t("decision_number", { id: id.slice(0, 8) }));
root.append(el("p", { class: "muted" }, t("id"), " ", el("code", {}, id), " · ", link("/explain", t("ask_made_up"))), said);
await show();
try {
  root.prepend(await by());
} catch {
  // whoever may not list versions still sees by its own
}
