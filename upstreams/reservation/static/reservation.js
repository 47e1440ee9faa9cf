// The pages of reservations, live: what is left, the sum of what is chosen, one's turn, the time left, the result.
// Without this script they work as forms, and the page of one that waits is loaded again every few seconds.

const words = JSON.parse(document.getElementById("live-words").textContent);
const live = document.getElementById("live")?.dataset;
const say = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const all = (what, within = document) => [...within.querySelectorAll(what)];

// --- what is left

async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}

async function refreshLeft() {
  const badges = all("[data-left]");
  const found = badges.length && await ask("/reservations/availability");
  for (const { sku, available } of found ? found.skus : []) {
    for (const badge of badges.filter((one) => one.dataset.left === sku)) {
      badge.textContent = available > 0 ? say(words.left, { count: available }) : words.sold_out;
      badge.className = `badge ${available > 0 ? "success" : "warning"}`;
    }
  }
}

async function refreshSeats() {
  const map = document.querySelector("[data-seats]:not([data-seats=''])");
  const found = map && await ask(`/reservations/offers/${encodeURIComponent(map.dataset.seats)}/seats`);
  for (const { seat, free } of found ? found.seats : []) {
    const box = document.getElementById(`seat-${seat}`);
    if (!box || box.disabled === !free) continue;
    box.disabled = !free;
    if (!free) box.checked = false;
    box.closest("label").classList.toggle("taken", !free);
    box.closest("label").querySelector("[data-taken]").hidden = free;
  }
}

async function refreshTimes() {
  const day = document.querySelector("[data-times]");
  const pieces = day ? all("[data-start]", day) : [];
  if (!pieces.length) return;
  const from = new Date(pieces[0].dataset.start);
  const until = new Date(from.getTime() + 26 * 3600_000);
  const span = new URLSearchParams({ from: from.toISOString(), until: until.toISOString() });
  const found = await ask(`/reservations/offers/${encodeURIComponent(day.dataset.times)}/times?${span}`);
  if (!found) return;
  const starts = all("#starts_at option");
  const ends = all("#ends_at option");
  pieces.forEach((piece, index) => {
    const start = new Date(piece.dataset.start).getTime();
    const end = start + found.unit_minutes * 60_000;
    const taken = found.taken.some((one) => start < new Date(one.ends_at) && end > new Date(one.starts_at));
    if (!taken || piece.classList.contains("taken")) return;
    piece.className = "taken";
    piece.querySelector("[data-word]").textContent = words.taken;
    starts[index].disabled = ends[index].disabled = true;
  });
}

async function refresh() {
  if (document.hidden) return;
  try {
    await Promise.all([refreshLeft(), refreshSeats(), refreshTimes()]);
  } catch { /* offline: the next turn will tell */ }
}

// --- what is chosen

const basket = document.querySelector("[data-basket]");

function sum() {
  let total = 0;
  let count = 0;
  let currency = "KRW";
  const seats = all(".seat input:checked", basket).length;
  for (const field of all("[data-price]", basket)) {
    const many = seats && all(".seat", basket).length ? seats : Number(field.value) || 0;
    count += many;
    total += many * Number(field.dataset.price);
    currency = field.dataset.currency;
  }
  const place = basket.querySelector("[data-total]");
  const amount = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency }).format(total);
  place.hidden = count === 0;
  place.textContent = count ? say(words.total, { count, amount }) : "";
}

// arrows lead from seat to seat, as on the plan; every seat is also reached by the tabulator key
function move(event) {
  const rows = all(".seat-row", basket).map((row) => all("input", row));
  const at = rows.findIndex((row) => row.includes(event.target));
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (at < 0 || !step) return;
  event.preventDefault();
  let [row, column] = [at, rows[at].indexOf(event.target)];
  do {
    [row, column] = [row + step[0], column + step[1]];
  } while (rows[row]?.[column]?.disabled);
  rows[row]?.[column]?.focus();
}

if (basket) {
  basket.addEventListener("input", sum);
  basket.addEventListener("keydown", move);
  sum();
}

// from when: until when is later, and one unit later where nothing was said
const start = document.getElementById("starts_at");
start?.addEventListener("change", () => {
  const end = document.getElementById("ends_at");
  if (end.selectedIndex < start.selectedIndex) end.selectedIndex = start.selectedIndex;
});

// --- one reservation

let last = Number(live?.last ?? 0);
let pause = 500;
let loading = false;

function again() {
  if (loading) return;
  loading = true;
  location.reload();
}

function heard(told) {
  const before = last;
  last = Math.max(last, told.event ?? 0);
  if (told.id !== live.id) return;
  if (told.kind === "position") {
    const spoken = told.position === 1 ? words.next : words.position;
    const place = document.getElementById("position");
    if (place) place.textContent = say(spoken, { position: told.position, ahead: told.position - 1 });
  } else if (told.event > before) {
    again();
  } else if (told.state !== live.is) {
    look(); // told once more, and perhaps older than this page
  }
}

async function look() {
  const record = await ask(`/reservations/${live.id}`).catch(() => null);
  if (record && record.state !== live.is) again();
}

function listen() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/reservations/events?last=${last}`);
  socket.addEventListener("open", () => { pause = 500; });
  socket.addEventListener("message", (event) => heard(JSON.parse(event.data)));
  socket.addEventListener("close", (event) => {
    if (loading || event.code === 1000 || (event.code >= 4400 && event.code < 4500)) return;
    setTimeout(listen, pause);
    pause = Math.min(pause * 2, 10000);
  });
}

// by the server's clock: it told what time it was when it made this page, and how much passed since is ours to know
function count() {
  const until = Number(live.until);
  const made = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;
  const place = document.getElementById("left");
  const said = document.getElementById("left-said");
  if (!until || !place) return;
  const tick = () => {
    const seconds = Math.max(0, Math.floor((until - Number(live.now) - (performance.now() - made)) / 1000));
    const shown = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    place.hidden = false;
    place.textContent = seconds ? say(words.time_left, { time: shown }) : words.time_over;
    if (seconds === 60) said.textContent = words.a_minute;
    if (seconds) setTimeout(tick, 1000);
  };
  tick();
}

if (live) {
  listen();
  count();
  // Signed in again without leaving this page: the socket of the former session is closed.
  new BroadcastChannel("munjigi-session").addEventListener("message", ({ data }) => {
    if (data.state === "signed_in") listen();
  });
} else {
  refresh();
  setInterval(refresh, 3000);
}
