// Keys: "/" to the filter, "g" and a letter to a section, "?" for the list of them. They can be switched off (WCAG 2.1.4).

import { el } from "console/dom";
import { t } from "console/words";

const OFF = "munjigi-console-keys-off";
const WAIT = 1_500;
const links = [...document.querySelectorAll(".sections a")];
const button = document.getElementById("shortcuts");
let going = 0;

const off = () => localStorage.getItem(OFF) === "1";

function row(keys, text) {
  return el("div", {}, el("dt", {}, keys.flatMap((key, index) => (index ? [" ", el("kbd", {}, key)] : [el("kbd", {}, key)]))), el("dd", {}, text));
}

function help() {
  if (document.querySelector("dialog[open]")) return;
  const choice = el("input", { type: "checkbox", id: "keys-off", checked: off(), onchange: () => localStorage.setItem(OFF, choice.checked ? "1" : "0") });
  const dialog = el("dialog", { class: "munjigi", "aria-labelledby": "keys-title", onclose: () => { dialog.remove(); button.focus(); } },
    el("h2", { id: "keys-title" }, t("keys")),
    el("dl", { class: "facts" },
      row(["/"], t("key_filter")),
      ...links.map((one) => row(["g", one.dataset.key], one.textContent)),
      row(["?"], t("keys"))),
    el("p", { class: "choice" }, choice, el("label", { for: "keys-off" }, t("keys_off"))),
    el("form", { method: "dialog" }, el("button", { class: "primary block" }, t("close"))));
  document.body.append(dialog);
  dialog.showModal();
}

function pressed(event) {
  if (off() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input, textarea, select")) return;
  if (going && Date.now() - going < WAIT) {
    going = 0;
    const to = links.find((one) => one.dataset.key === event.key);
    if (to) { event.preventDefault(); to.click(); }
    return;
  }
  if (event.key === "g") going = Date.now();
  else if (event.key === "?") { event.preventDefault(); help(); }
  else if (event.key === "/") {
    const filter = document.querySelector(".tools input, .tools select");
    if (filter) { event.preventDefault(); filter.focus(); }
  }
}

// On a phone the sections are a strip that is moved sideways.
const here = links.find((one) => one.getAttribute("aria-current"));
if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - here.parentElement.clientWidth / 2 + here.clientWidth / 2;

button.hidden = false;
button.addEventListener("click", help);
document.addEventListener("keydown", pressed);
