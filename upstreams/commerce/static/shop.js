// Live stock and reservations on the shop page. Without this script every button still works, as a form.

const words = JSON.parse(document.getElementById("live-words").textContent);
const bySku = Map.groupBy
  ? Map.groupBy(document.querySelectorAll("[data-sku]"), (place) => place.dataset.sku)
  : new Map([...document.querySelectorAll("[data-sku]")].map((place) => [place.dataset.sku, [place]]));
const byOffer = new Map([...document.querySelectorAll("[data-offer]")].map((place) => [place.dataset.offer, place]));
let known = ""; // the ETag of what is shown: nothing is sent again that did not change
const waiting = new Map(); // reservation id -> where its result is told
const results = new Map(); // reservation id -> its state: a result may come before the answer that names it

function showLeft(place, available) {
  const badge = place.querySelector("[data-left]");
  if (!badge) return;
  badge.textContent = available > 0 ? words.left.replace("{count}", available) : words.sold_out;
  badge.className = `badge ${available > 0 ? "success" : "warning"}`;
  const control = place.querySelector("button, input[type=radio]");
  if (control) control.disabled = available <= 0;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const asked = new URLSearchParams([...byOffer.keys()].slice(0, 100).map((id) => ["offer", id]));
    const [offers, slots] = await Promise.all([
      byOffer.size ? fetch(`/api/availability?${asked}`, { headers: known ? { "If-None-Match": known } : {}, cache: "no-store" }) : null,
      document.querySelector("[data-reserve]") ? fetch("/reservations/availability") : null,
    ]);
    if (offers?.ok) {
      known = offers.headers.get("etag") ?? "";
      for (const one of (await offers.json()).offers) if (one.available !== null) showLeft(byOffer.get(one.id), one.available);
    }
    if (slots?.ok) {
      for (const slot of (await slots.json()).skus) {
        for (const place of bySku.get(slot.sku) ?? []) if (place.querySelector("[data-reserve]")) showLeft(place, slot.available);
      }
    }
  } catch { /* offline: the next turn will tell */ }
}

function tell(id, state) {
  const place = waiting.get(id);
  if (!place || state === "QUEUED") return;
  place.textContent = words[state] ?? state;
  waiting.delete(id);
  refresh();
}

let socket = null;
let pause = 500;

function listen() {
  if (socket && socket.readyState <= WebSocket.OPEN) return;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/reservations/events`);
  socket.addEventListener("open", () => { pause = 500; });
  socket.addEventListener("message", (event) => {
    const record = JSON.parse(event.data);
    results.set(record.id, record.state);
    tell(record.id, record.state);
    socket.send(JSON.stringify({ acknowledge: [record.id] }));
  });
  socket.addEventListener("close", (event) => {
    if (event.code >= 4400 && event.code < 4500) return; // the session ended: the page is told by the gateway's script
    if (waiting.size === 0) return;
    setTimeout(listen, pause);
    pause = Math.min(pause * 2, 10000);
  });
}

for (const form of document.querySelectorAll("form[data-reserve]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const place = form.querySelector("[data-result]");
    const button = form.querySelector("button");
    const key = form.elements.key;
    button.disabled = true;
    place.textContent = words.waiting;
    listen();
    try {
      const response = await fetch("/reservations", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": key.value },
        body: JSON.stringify({ lines: [{ sku: form.elements.sku.value, quantity: 1 }] }),
      });
      if (response.status === 202) {
        const record = await response.json();
        waiting.set(record.id, place);
        listen(); // the answer may have waited for a new sign-in, and the socket of the former session is closed
        tell(record.id, results.get(record.id) ?? record.state);
        key.value = crypto.randomUUID();
      } else if (response.status === 409) {
        place.textContent = words.REFUSED;
        key.value = crypto.randomUUID();
      } else {
        place.textContent = words.failed; // the same key goes with the next try
      }
    } catch {
      place.textContent = words.failed;
    } finally {
      button.disabled = false;
    }
  });
}

refresh();
setInterval(refresh, 5000);

// How the text may go on, while it is typed; the field searches as it is without.
const field = document.querySelector("[data-suggest]");
if (field) {
  const list = field.list;
  let asked = 0;
  field.addEventListener("input", async (event) => {
    if (event.isComposing && field.value.length < 1) return;
    const turn = ++asked;
    await new Promise((resolve) => setTimeout(resolve, 120));
    if (turn !== asked || !field.value.trim()) return;
    try {
      const answer = await fetch(`/api/search/suggestions?q=${encodeURIComponent(field.value)}`);
      if (!answer.ok || turn !== asked) return;
      list.replaceChildren(...(await answer.json()).suggestions.map((text) => new Option(text, text)));
    } catch { /* no suggestions then */ }
  });
}
