// Any page behind the gateway includes this with one line:
//   <script type="module" src="/.munjigi/session.js"></script>
// It hears of the session's end at once and tells the person; it asks for more time with the moment of their last key,
// pointer or touch; and it warns before the time is over. All words and times come from the server.

const BASE = "/.munjigi";
const COUNTDOWN = 5;
const READ_AGAIN_AT = 30;
const ASK_PAUSE = 10_000;
const ASK_AGAIN = 30_000;
const LISTEN_AGAIN = 3_000;
const RING = 2 * Math.PI * 30;

const words = fetch(`${BASE}/session/texts?locale=${document.documentElement.lang}`).then((answer) => answer.json());
const channel = "BroadcastChannel" in self ? new BroadcastChannel("munjigi-session") : null;

// Two clocks, since the wall clock may jump and the other one may stand still while a laptop sleeps: the later one counts.
const moment = () => ({ wall: Date.now(), ticks: performance.now() });
const since = (then) => Math.max(0, Date.now() - then.wall, performance.now() - then.ticks) / 1000;

let active = moment();
let heard = moment();
let state = null;
let asked = -Infinity;
let asking = false;
let shown = null;
let ended = false;

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(
    ["svg", "circle", "text"].includes(name) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function duration(seconds, texts) {
  const whole = Math.max(0, Math.ceil(seconds));
  const values = { minutes: Math.floor(whole / 60), seconds: whole < 60 ? whole : whole % 60 };
  return filled(whole < 60 ? texts.seconds : texts.minutes, values);
}

// A dialog of our own in a shadow tree: the page's styles do not reach it, and ours do not reach the page.
async function open(kind, label, children, { cancel }) {
  const { stylesheet, locale } = await words;
  close();
  const host = element("div", { lang: locale, "data-munjigi": kind });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync((await (await fetch(stylesheet)).text()).replaceAll(":root", ":host"));
  root.adoptedStyleSheets = [sheet];
  const heading = element("h2", { id: "title" }, label);
  const dialog = element(
    "dialog", { class: "munjigi stack", role: "alertdialog", "aria-labelledby": "title", "aria-describedby": "text" },
    heading, ...children);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); cancel(); });
  const before = document.activeElement;
  root.append(dialog);
  document.body.append(host);
  dialog.showModal();
  dialog.querySelector("[data-first]")?.focus();
  shown = { kind, dialog, host, before };
  return dialog;
}

function close() {
  if (!shown) return;
  shown.dialog.close();
  shown.host.remove();
  shown.before?.focus?.();
  shown = null;
}

const signInAgain = () =>
  location.assign(`${BASE}/sign-in?return_to=${encodeURIComponent(location.pathname + location.search)}`);

async function tellEnded(news) {
  if (ended) return;
  ended = true;
  const { texts, locale } = await words;
  const rows = news.reason === "takeover"
    ? [["device", news.device], ["browser", news.browser], ["place", texts[news.place.replace(" ", "_")] ?? news.place],
       ["at", new Date(news.at).toLocaleString(locale)]]
    : [["at", new Date(news.at).toLocaleString(locale)]];
  const facts = element("dl", { class: "facts" }, ...rows.map(([name, value]) =>
    element("div", {}, element("dt", {}, texts[name]), element("dd", {}, value || texts.unknown))));
  let left = COUNTDOWN;
  const arc = element("circle", { class: "left", cx: 36, cy: 36, r: 30, "stroke-dasharray": RING, "stroke-dashoffset": 0 });
  const number = element("text", { x: 36, y: 36 }, String(left));
  const ring = element("svg", { class: "ring", viewBox: "0 0 72 72", "aria-hidden": "true" },
    element("circle", { cx: 36, cy: 36, r: 30 }), arc, number);
  const spoken = element("p", { role: "timer", "aria-live": "off" }, filled(texts.countdown, { seconds: left }));
  const pause = element("button", { type: "button", class: "quiet", onclick: toggle }, texts.pause);
  let timer = setInterval(tick, 1000);

  function tick() {
    left -= 1;
    arc.setAttribute("stroke-dashoffset", String(RING * (1 - left / COUNTDOWN)));
    number.textContent = String(Math.max(0, left));
    spoken.textContent = filled(texts.countdown, { seconds: Math.max(0, left) });
    if (left <= 0) { clearInterval(timer); signInAgain(); }
  }
  function toggle() {
    if (timer) { clearInterval(timer); timer = null; spoken.textContent = texts.paused; pause.textContent = texts.resume; }
    else { timer = setInterval(tick, 1000); pause.textContent = texts.pause; }
  }
  const again = element("button", { type: "button", class: "primary", "data-first": "", onclick: signInAgain }, texts.again);
  const notMe = news.reason === "takeover"
    ? [element("a", { class: "button danger", href: `${BASE}/not-me` }, texts.not_me)] : [];
  await open("ended", texts.ended_title, [
    element("p", { id: "text" }, texts[news.reason] ?? texts.other), facts,
    element("div", { class: "row" }, ring, spoken, pause),
    element("div", { class: "actions" }, again, ...notMe),
  ], { cancel: () => { if (timer) toggle(); } });
}

async function warn() {
  if (shown || ended) return;
  const { texts } = await words;
  const capped = state.absolute_left - since(heard) <= state.left - since(heard) + 0.5;
  const say = () => filled(capped ? texts.warning_cap : texts.warning_text, { left: duration(left(), texts) });
  const text = element("p", { id: "text" }, say());
  const aloud = element("p", { class: "visually-hidden", "aria-live": "assertive" });
  const keep = element("button", { type: "button", class: "primary", "data-first": "", onclick: act }, texts.keep);
  const leave = element("form", { method: "post", action: `${BASE}/sign-out` },
    element("button", { type: "submit", class: "block" }, texts.sign_out_now));
  const dialog = await open("warning", texts.warning_title,
    [text, aloud, element("div", { class: "actions" }, ...(capped ? [] : [keep]), leave)], { cancel: act });
  let said = false;
  const timer = setInterval(() => {
    if (!dialog.open) { clearInterval(timer); return; }
    text.textContent = say();
    if (!said && left() <= READ_AGAIN_AT) { said = true; aloud.textContent = say(); }
  }, 1000);
}

const left = () => (state?.state === "live" ? state.left - since(heard) : Infinity);

function act() {
  active = moment();
  if (left() <= (state?.ask_before ?? 0)) extend();
}

async function extend() {
  if (asking || ended || performance.now() - asked < ASK_PAUSE && !shown) return;
  asking = true;
  asked = performance.now();
  try {
    const answer = await fetch(`${BASE}/session/extend`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ idle_for: since(active) }),
    });
    if (answer.ok) take(await answer.json(), true);
  } catch { /* the network is away: the next look tries again */ } finally { asking = false; }
}

async function look() {
  try {
    const answer = await fetch(`${BASE}/session`);
    if (answer.ok) take(await answer.json(), true);
  } catch { /* the stream will say, once the network is back */ }
}

function take(news, tellOthers) {
  // signed in a moment ago, and nobody now: another tab of this browser signed out and took the cookie along
  if (news.state === "none" && state) news = { state: "ended", reason: "sign_out", at: new Date().toISOString() };
  if (tellOthers) channel?.postMessage(news);
  if (news.state === "ended") { tellEnded(news); return; }
  if (news.state !== "live") return;
  state = news;
  heard = moment();
  if (shown?.kind === "warning" && left() > state.warn_before) close();
}

function tick() {
  if (ended || state?.state !== "live") return;
  const rest = left();
  if (rest <= 0) { look(); return; }
  if (rest <= state.ask_before && performance.now() - asked > ASK_AGAIN) extend();
  if (rest <= state.warn_before) warn();
}

function listen() {
  const stream = new EventSource(`${BASE}/session/events`);
  for (const kind of ["session", "warning", "ended"]) {
    stream.addEventListener(kind, (event) => {
      if (kind === "ended") stream.close();
      take(JSON.parse(event.data), true);
    });
  }
  stream.addEventListener("error", async () => {
    if (stream.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
    await look();
    if (!ended) setTimeout(listen, LISTEN_AGAIN);
  });
  return new Promise(() => {});
}

for (const kind of ["keydown", "pointerdown", "pointermove", "touchstart", "wheel"]) {
  addEventListener(kind, () => {
    if (shown?.kind === "warning" || performance.now() - active.ticks > 1000) act();
  }, { passive: true, capture: true });
}
channel?.addEventListener("message", (event) => take(event.data, false));
document.addEventListener("visibilitychange", () => { if (!document.hidden && state) look(); });
addEventListener("online", look);
setInterval(tick, 1000);

// One tab of a browser keeps the stream for all of them: browsers open few connections to one host.
if (navigator.locks && channel) {
  look();
  navigator.locks.request("munjigi-session", listen);
} else {
  listen();
}
