// Passkeys as an enhancement: every form with `data-passkey` gets its answer from the browser's authenticator and is
// then posted like any other form. Without this script, or without passkeys, the page works by the other ways.

import { toBrowser, toServer } from "./passkey-answer.js";

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const creating = form.dataset.passkey === "create";
  const options = JSON.parse(form.dataset.options);
  const problem = form.querySelector("[data-problem]");
  let waiting = new AbortController();

  const ask = async (mediation) => {
    const wanted = { publicKey: toBrowser(options, creating), signal: waiting.signal };
    const credential = creating
      ? await navigator.credentials.create(wanted)
      : await navigator.credentials.get(mediation ? { ...wanted, mediation } : wanted);
    form.elements.answer.value = toServer(credential);
    form.submit();
  };

  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    waiting.abort();
    waiting = new AbortController();
    problem.hidden = true;
    try {
      await ask();
    } catch {
      problem.hidden = false;
    }
  });

  if (form.dataset.autofill !== undefined) {
    const possible = await window.PublicKeyCredential.isConditionalMediationAvailable?.();
    if (possible) ask("conditional").catch(() => {});
  }
}
