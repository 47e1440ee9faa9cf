// What the server says of a ceremony, as the browser takes it, and what an authenticator answers, as the server does.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const described = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

export function toBrowser(options, creating) {
  const read = { ...options, challenge: decode(options.challenge) };
  if (creating) {
    read.user = { ...options.user, id: decode(options.user.id) };
    read.excludeCredentials = described(options.excludeCredentials);
  } else {
    read.allowCredentials = described(options.allowCredentials);
  }
  return read;
}

export function toServer(credential) {
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
