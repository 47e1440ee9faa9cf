// The key of a browser that approves: made here, kept here, and never shown to anybody, this script included.

const DATABASE = "munjigi-approvals";
const STORE = "keys";
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const WORKER = "/approvals/worker.js";
const SCOPE = "/approvals/";
const PATIENCE = 10000;

export const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const bytes = (text) => new TextEncoder().encode(text);
export const digest = async (data) =>
  [...new Uint8Array(await crypto.subtle.digest("SHA-256", typeof data === "string" ? bytes(data) : data))]
    .map((one) => one.toString(16).padStart(2, "0"))
    .join("");

const answered = (request) =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });

async function store(mode) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(STORE));
  return (await answered(opening)).transaction(STORE, mode).objectStore(STORE);
}

export const find = async (name) => answered((await store("readonly")).get(name));
export const keep = async (name, kept) => answered((await store("readwrite")).put(kept, name));

export async function make() {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const point = await crypto.subtle.exportKey("raw", pair.publicKey);
  return { pair, publicKey: encode(point), name: await digest(point) };
}

// What is signed is a line each; the server makes the same lines of what it knows.
export async function sign(pair, lines) {
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, bytes(lines.join("\n")));
  return encode(signature);
}

const address = () => {
  const policy = window.trustedTypes?.createPolicy("munjigi-approvals", { createScriptURL: () => WORKER });
  return policy ? policy.createScriptURL(WORKER) : WORKER;
};

const waited = (work) =>
  Promise.race([work, new Promise((_, reject) => setTimeout(() => reject(new Error("took too long")), PATIENCE))]);

async function active(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (worker.state === "activated") return;
  await waited(
    new Promise((resolve) =>
      worker.addEventListener("statechange", () => worker.state === "activated" && resolve()),
    ),
  );
}

const sameKey = (found, key) => {
  const kept = found.options?.applicationServerKey;
  return !kept || encode(kept) === key;
};

// Where pushes go, or null: then the open pages are told, and nothing else is lost.
export async function subscribe(vapidKey) {
  if (!navigator.serviceWorker) return null;
  try {
    const registration = await navigator.serviceWorker.register(address(), { scope: SCOPE });
    await active(registration);
    if (!registration.pushManager || !window.Notification) return null;
    if (Notification.permission === "default") await Notification.requestPermission();
    if (Notification.permission !== "granted") return null;
    const found = await registration.pushManager.getSubscription();
    if (found && sameKey(found, vapidKey)) return found;
    await found?.unsubscribe();
    return await waited(registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapidKey }));
  } catch {
    return null;
  }
}

export async function subscribed() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration(SCOPE);
    return (await registration?.pushManager?.getSubscription()) ?? null;
  } catch {
    return null;
  }
}
