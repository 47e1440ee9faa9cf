// Passkeys as an enhancement: every form with `data-passkey` gets its answer from the browser's authenticator and is
// then posted like any other form. Without this script, or without passkeys, the page works by the other ways.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const described = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

function toBrowser(options, creating) {
  const read = { ...options, challenge: decode(options.challenge) };
  if (creating) {
    read.user = { ...options.user, id: decode(options.user.id) };
    read.excludeCredentials = described(options.excludeCredentials);
  } else {
    read.allowCredentials = described(options.allowCredentials);
  }
  return read;
}

function toServer(credential) {
  const { response } = credential;
  const part = (name) => (response[name] ? { [name]: encode(response[name]) } : {});
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      ...part("clientDataJSON"),
      ...part("attestationObject"),
      ...part("authenticatorData"),
      ...part("signature"),
      ...part("userHandle"),
      ...(response.getTransports ? { transports: response.getTransports() } : {}),
    },
  });
}

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
