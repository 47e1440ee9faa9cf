// Live stock and reservations on the shop page. Without this script every button still works, as a form.

const words = JSON.parse(document.getElementById("live-words").textContent);
const cards = new Map([...document.querySelectorAll("[data-sku]")].map((card) => [card.dataset.sku, card]));
const waiting = new Map(); // reservation id -> where its result is told
const results = new Map(); // reservation id -> its state: a result may come before the answer that names it

function showLeft(sku, available) {
  const badge = cards.get(sku)?.querySelector("[data-left]");
  if (!badge) return;
  badge.textContent = available > 0 ? words.left.replace("{count}", available) : words.sold_out;
  badge.className = `badge ${available > 0 ? "success" : "warning"}`;
  const button = cards.get(sku).querySelector("button");
  if (button) button.disabled = available <= 0;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const [products, slots] = await Promise.all([
      fetch("/api/products"),
      fetch("/reservations/availability"),
    ]);
    if (products.ok) {
      for (const product of (await products.json()).products) {
        for (const offer of product.offers) if (offer.available !== null) showLeft(offer.sku, offer.available);
      }
    }
    if (slots.ok) for (const slot of (await slots.json()).skus) showLeft(slot.sku, slot.available);
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
