// What this browser is asked to approve: answers are signed by its key, and an open page hears of questions as they come.

import { toBrowser, toServer } from "./passkey-answer.js";
import { digest, find, keep, sign, subscribed } from "./approval-key.js";

const page = document.querySelector("[data-approvals]");
const list = page.querySelector("[data-approvals-list]");
const told = page.querySelector("[data-told]");
const { origin } = page.dataset;
const say = (name) => {
  told.replaceChildren(...told.querySelectorAll("template"));
  if (name) told.append(told.querySelector(`template[data-say="${name}"]`).content.cloneNode(true));
};

async function answer(form, button) {
  const { id, nonce, app, message, key } = form.dataset;
  const kept = await find(key);
  if (!kept) return say("no_key");
  const decision = button.dataset.decision ?? "approve";
  const picked = button.dataset.pick ?? "";
  const lines = ["munjigi-approval", origin, id, nonce, decision, picked, app, await digest(message), key];
  const { elements } = form;
  elements.decision.value = decision;
  elements.picked.value = picked;
  elements.signature.value = await sign(kept.pair, lines);
  if (form.dataset.verify && decision === "approve") {
    try {
      const wanted = { publicKey: toBrowser(JSON.parse(form.dataset.verify), false) };
      elements.answer.value = toServer(await navigator.credentials.get(wanted));
    } catch {
      return say("unverified");
    }
  }
  form.submit();
}

page.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-approval]");
  if (!form) return;
  event.preventDefault();
  if (form.dataset.busy || !event.submitter) return;
  form.dataset.busy = "yes";
  answer(form, event.submitter)
    .catch(() => say("no_key"))
    .finally(() => delete form.dataset.busy);
});

// The push service may have given this browser another address since: the key vouches for the new one.
async function resubscribe(key) {
  const [kept, subscription] = [await find(key), await subscribed()];
  if (!kept || !subscription || subscription.endpoint === kept.endpoint) return;
  const said = JSON.stringify(subscription);
  const signature = await sign(kept.pair, ["munjigi-approval-subscription", origin, key, await digest(said)]);
  const taken = await fetch("/approvals/subscription", {
    method: "POST",
    body: new URLSearchParams({ subscription: said, signature }),
  });
  if (taken.ok) await keep(key, { ...kept, endpoint: subscription.endpoint });
}

const keys = (page.dataset.keys ?? "").split(" ").filter(Boolean);
Promise.all(keys.map(find)).then((found) => {
  if (keys.length && found.every((one) => !one)) say("no_key");
});
for (const key of keys) resubscribe(key).catch(() => {});

// The browser parses it: under Trusted Types no script may.
const load = () =>
  new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open("GET", "/approvals?part=list");
    asked.responseType = "document";
    asked.setRequestHeader("Accept", "text/html");
    asked.addEventListener("load", () => resolve(asked.status === 200 ? asked.response : null));
    asked.addEventListener("error", reject);
    asked.send();
  });

const cards = (within) => [...within.querySelectorAll("[data-question]")];

// A card keeps its place, so that no button moves under a finger.
async function show(waiting) {
  const here = cards(list);
  for (const card of here.filter((one) => !waiting.includes(one.dataset.question))) {
    card.querySelector("form")?.replaceWith(told.querySelector('template[data-say="over"]').content.cloneNode(true));
  }
  const known = here.map((one) => one.dataset.question);
  if (waiting.every((id) => known.includes(id))) return;
  const found = await load();
  const added = found ? cards(found).filter((one) => !known.includes(one.dataset.question)) : [];
  if (!added.length) return;
  list.querySelector("[data-none]")?.remove();
  list.append(...added.map((one) => document.adoptNode(one)));
  say("new");
}

let busy = Promise.resolve();
const stream = new EventSource("/approvals/events");
stream.addEventListener("approvals", ({ data }) => {
  const { waiting } = JSON.parse(data);
  busy = busy.then(() => show(waiting)).catch(() => {});
});
