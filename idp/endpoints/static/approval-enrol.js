// This browser is set up to approve: the form with `data-approval-enrol` gets a new key, a signature by it, and where
// pushes go. Without this script it stays away: without it there is no key.

import { keep, make, sign, subscribe } from "./approval-key.js";

for (const form of document.querySelectorAll("form[data-approval-enrol]")) {
  if (!window.crypto?.subtle || !window.indexedDB) continue;
  const { origin, vapid } = form.dataset;
  const problem = form.querySelector("[data-problem]");
  const button = form.querySelector("button");
  form.hidden = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    problem.hidden = true;
    try {
      const { pair, publicKey, name } = await make();
      const subscription = await subscribe(vapid);
      const { elements } = form;
      elements.public_key.value = publicKey;
      elements.signature.value = await sign(pair, ["munjigi-approval-device", origin, elements.hop.value, name]);
      elements.subscription.value = subscription ? JSON.stringify(subscription) : "";
      await keep(name, { pair, endpoint: subscription?.endpoint ?? "" });
      form.submit();
    } catch {
      problem.hidden = false;
      button.disabled = false;
    }
  });
}
