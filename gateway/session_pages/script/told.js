// What session.js shows: dialogs in the middle and notices in the corner, each in a shadow tree of its own, so that the
// page's styles do not reach them and theirs do not reach the page.

const COUNTDOWN = 5;
const READ_AGAIN_AT = 30;
const LATE_FIELDS = 5_000;
const RING = 2 * Math.PI * 30;
const OWN_STYLE = `
:host { font: 1rem/1.6 Pretendard, "Noto Sans KR", "Noto Sans CJK KR", system-ui, sans-serif; text-align: start; word-break: keep-all; }
.corner { position: fixed; z-index: 2147483647; inset: auto 16px 16px auto; inline-size: min(400px, calc(100vw - 32px));
  color: var(--text); max-block-size: calc(100vh - 32px); overflow: auto; }
code { white-space: nowrap; }`;

let core, texts, ends, locale, sheet;
let dialog = null;
// whoever waits for a sign-in
let answer = null;
let paused = false;
const corners = {};

export async function begin(given) {
  core = given;
  const words = await fetched(`session/texts?locale=${document.documentElement.lang}`);
  let stylesheet;
  ({ texts, ends, locale, stylesheet } = await words.json());
  const style = await (await fetched(stylesheet)).text();
  sheet = new CSSStyleSheet();
  sheet.replaceSync(style.replaceAll(":root", ":host") + OWN_STYLE);
  return { warn, ended, hold, attempt, restore, other, renewed, settled, stay, mine };
}

async function fetched(address) {
  const got = await core.native(new URL(address, core.BASE));
  if (!got.ok) throw new Error(`${got.status} ${address}`);
  return got;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(
    /^(svg|circle|text)$/.test(name) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
const button = (text, onclick, kind = "") => element("button", { type: "button", class: kind, onclick }, text);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const paragraph = (text, more) => element("p", more, text);
const why = () => ends[core.over?.reason] ?? ends[""];
// As our pages write it: the link, and the code beside it; `ref` is what support asks for.
const help = (code, ref) => element("p", { class: "hint" },
  helpLink(code, ref, texts.help), " ", element("code", {}, code));
const helpLink = (code, ref, content) => element(
  "a", { href: `${core.BASE}help/${code}${ref ? `?${new URLSearchParams({ ref })}` : ""}`, target: "_blank" }, content);
const notMe = () => element("a", { class: "button danger", href: `${core.BASE}not-me` }, texts.not_me);

function duration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  return filled(whole < 60 ? texts.seconds : texts.minutes, { minutes: Math.floor(whole / 60), seconds: whole % 60 });
}

function place(code) {
  if (!/^[A-Z]{2}$/.test(code)) return texts[code?.replace(" ", "_")] ?? code;
  return new Intl.DisplayNames(locale, { type: "region" }).of(code);
}

// As our pages write it: 2026년 11월 22일 밤 9:28, 22 Nov 2026, 21:28.
const moment = (at) => new Date(at).toLocaleString(...(locale === "en" ? ["en-GB", { dateStyle: "medium", timeStyle: "short" }]
  : [locale, { year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "2-digit", dayPeriod: "short" }]));

function facts(news) {
  const where = [place(news.place), news.network].filter(Boolean).join(" · ");
  const rows = { device: news.device, browser: news.browser, place: where, at: moment(news.at) };
  return element("dl", { class: "facts" }, ...Object.entries(rows).map(([name, value]) =>
    element("div", {}, element("dt", {}, texts[name]), element("dd", {}, value || texts.unknown))));
}

function shadow(kind) {
  const host = element("div", { lang: locale, "data-munjigi": kind });
  host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
  document.body.append(host);
  return host;
}

function open(kind, title, children, cancel) {
  close();
  const host = shadow(kind);
  const before = document.activeElement;
  const box = element(
    "dialog", { class: "munjigi stack", role: "alertdialog", "aria-labelledby": "title", "aria-describedby": "text" },
    element("h2", { id: "title" }, title), ...children);
  box.addEventListener("cancel", (event) => { event.preventDefault(); cancel(); });
  host.shadowRoot.append(box);
  box.showModal();
  box.querySelector(".primary").focus();
  core.shown = kind;
  dialog = { host, before };
  return box;
}

function close() {
  clearInterval(dialog?.timer);
  dialog?.host.remove();
  dialog?.before?.focus?.();
  dialog = null;
  core.shown = "";
}

// The region stands before its words do: only then are they read out.
function corner(kind, children, tick) {
  uncorner(kind);
  const host = corners[kind] = shadow(kind);
  const region = element("div", { class: "corner card stack", role: "status", id: "text" });
  host.shadowRoot.append(region);
  setTimeout(() => region.append(...children), 50);
  host.timer = tick && setInterval(tick, 1000);
}

function uncorner(kind) {
  clearInterval(corners[kind]?.timer);
  corners[kind]?.remove();
  delete corners[kind];
}

function ring() {
  const arc = element("circle", { class: "left", cx: 36, cy: 36, r: 30, "stroke-dasharray": RING });
  const number = element("text", { x: 36, y: 36 });
  const drawn = element("svg", { class: "ring", viewBox: "0 0 72 72", "aria-hidden": "true" },
    element("circle", { cx: 36, cy: 36, r: 30 }), arc, number);
  return [drawn, (left, whole) => {
    arc.setAttribute("stroke-dashoffset", RING * (1 - Math.min(1, left / whole)));
    number.textContent = left < 60 ? Math.ceil(left) : `${Math.floor(left / 60)}:${String(Math.ceil(left) % 60).padStart(2, "0")}`;
  }];
}

// The time is nearly over, or nothing happened for so long: the time left, and one button.
function warn() {
  if (core.capped()) return cap();
  const whole = core.left();
  const [drawn, draw] = ring();
  const text = paragraph("", { id: "text" });
  const aloud = paragraph("", { class: "visually-hidden", "aria-live": "assertive" });
  let last = whole;
  const say = () => {
    const left = Math.max(0, core.left());
    text.textContent = filled(texts.warning_text, { left: duration(left) });
    draw(left, whole);
    if (left <= READ_AGAIN_AT && last > READ_AGAIN_AT) aloud.textContent = text.textContent;
    last = left;
  };
  say();
  open("warning", texts.warning_title, [
    element("div", { class: "row" }, drawn, aloud, text),
    element("div", { class: "actions" }, button(texts.keep, core.act, "primary")),
    help("MJ-SESSION-020"),
  ], core.act);
  dialog.timer = setInterval(say, 1000);
}

// The longest time is near: said in the corner, so that work goes on until then. It is read out once, and seen to run.
function cap() {
  core.said = core.notice();
  const words = () => filled(texts.warning_cap, { left: duration(core.left()) });
  const seen = element("span", { "aria-hidden": "true" }, words());
  corner("cap", [
    element("p", {}, element("span", { class: "visually-hidden" }, words()), seen),
    element("div", { class: "row" }, button(texts.understood, () => uncorner("cap"))),
    help("MJ-SESSION-021"),
  ], () => { seen.textContent = words(); });
}

function ended() {
  if (answer) return;
  const news = core.over;
  const takeover = news.reason === "takeover";
  const begun = core.moment(news.wall);
  const [drawn, draw] = ring();
  const spoken = paragraph("", { role: "timer", "aria-live": "off" });
  paused = false;
  uncorner("cap");
  const tick = () => {
    if (paused) return;
    const left = Math.max(0, COUNTDOWN - core.since(begun));
    spoken.textContent = filled(texts.countdown, { seconds: Math.ceil(left) });
    draw(left, COUNTDOWN);
    if (left <= 0) { paused = true; core.leave("ended", { waited: 1 }); }
  };
  const wait = button(texts.stay, () => { core.post({ state: "stay" }); stay(); });
  tick();
  open("ended", why().title, [
    paragraph(why().means, { id: "text" }),
    takeover ? facts(news) : "",
    element("div", { class: "row", "data-code": "MJ-SESSION-022" }, drawn, spoken),
    element("div", { class: "actions" },
      button(takeover ? texts.again : texts.go_now, () => core.leave("sign-in"), "primary"), wait, takeover ? notMe() : ""),
    element("p", { class: "hint" }, helpLink("MJ-SESSION-023", news.ref, texts.remembered)),
    help(why().code, news.ref),
  ], () => wait.click());
  Object.assign(dialog, { timer: setInterval(tick, 200), spoken, wait });
}

// The countdown stops, in every tab. Once more, and the page can be seen; from there a sign-in leaves it as it is.
function stay() {
  if (core.shown !== "ended") return;
  if (paused) {
    core.seen = true;
    close();
    corner("over", [paragraph(why().title), element("div", { class: "row" },
      button(texts.again, () => hold(null), "primary"), core.over?.reason === "takeover" ? notMe() : "")]);
    return;
  }
  paused = true;
  dialog.spoken.textContent = texts.paused;
  dialog.wait.textContent = texts.see_page;
}

// A request, or a form, waits for a sign-in. Its words are typed at the identity provider alone, in a window of its own.
function hold(stronger, ref) {
  const kind = stronger ? "step_up" : "again";
  const text = paragraph(stronger ? texts.step_up_text : core.over ? why().means : texts.again_text, { id: "text" });
  const status = paragraph(texts.goes_on, { role: "status", class: "muted" });
  const go = button(texts[stronger ? "confirm" : "again"], () => {
    const { acr_values, max_age } = stronger || {};
    const wanted = { ...(acr_values && { acr_values }), ...(max_age != null && { max_age }) };
    const to = new URLSearchParams({ return_to: `${core.ROOM}done`, ...wanted });
    if (!window.open(`${core.BASE}sign-in?${to}`, "munjigi", "popup,width=480,height=760")) return core.leave("sign-in", wanted);
    status.textContent = texts.in_window;
    go.textContent = texts.window_again;
  }, "primary");
  const no = button(texts.not_now, () => settle(false));
  return new Promise((resolve) => {
    answer?.(false);
    uncorner("over");
    const takeover = !stronger && core.over?.reason === "takeover";
    open(kind, stronger ? texts.step_up_title : why().title, [
      text, takeover ? facts(core.over) : "", status, element("div", { class: "actions" }, go, no, takeover ? notMe() : ""),
      help(stronger ? "MJ-GATEWAY-215" : why().code, core.over?.ref ?? ref),
    ], () => no.click());
    answer = resolve;
  });
}

function settle(passed) {
  const resolve = answer;
  answer = null;
  close();
  resolve?.(passed);
  if (!passed && core.over) { paused = true; core.shown = "ended"; stay(); }
}

// Somebody signed in anew, in whichever tab: it is the same person, and what waited goes on.
function renewed() {
  if (answer) {
    settle(true);
    corner("back", [element("strong", {}, texts.back_title), element("div", { class: "row" },
      button(texts.understood, () => uncorner("back"))), help("MJ-SESSION-024")]);
  }
  settled();
}

function settled() {
  uncorner("over");
  if (!answer) close();
}

function other() {
  answer?.(false);
  answer = null;
  for (const kind of Object.keys(corners)) uncorner(kind);
  open("other", texts.other_title, [
    paragraph(texts.other_text, { id: "text" }),
    element("div", { class: "actions" }, button(texts.reload, () => location.reload(), "primary")),
    help("MJ-GATEWAY-226"),
  ], () => {});
}

function attempt(news) {
  corner("attempt", [
    element("strong", {}, texts.attempt_title),
    paragraph(texts[`attempt_${news.outcome}`] ?? texts.attempt_abandoned),
    facts(news),
    element("div", { class: "row" }, button(texts.was_me, () => { core.post({ state: "mine" }); mine(); }), notMe()),
    help("MJ-SESSION-026"),
  ]);
}

const mine = () => uncorner("attempt");

const get = (field) => (/radio|checkbox/.test(field.type) ? field.checked
  : field.type === "select-multiple" ? [...field.selectedOptions].map((option) => option.value) : field.value);

// As typing does it: by the prototype's setter, past what a framework put over it, and with the events it listens for.
function put(field, value) {
  if (Array.isArray(value)) for (const option of field.options) option.selected = value.includes(option.value);
  else {
    const name = typeof value === "boolean" ? "checked" : "value";
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), name).set.call(field, value);
  }
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
}

function restore({ fields, x, y, hash }) {
  const left = new Map(fields);
  const before = new Map();
  let still = true;
  for (const kind of ["keydown", "pointerdown", "wheel"]) addEventListener(kind, () => { still = false; }, { once: true });
  // in full, since a page's <base> may lie elsewhere
  if (hash && !location.hash) history.replaceState(history.state, "", new URL(hash, location.href));
  const fill = () => {
    const known = before.size;
    for (const [key, field] of core.typed()) {
      if (!left.has(key)) continue;
      before.set(field, get(field));
      put(field, left.get(key));
      left.delete(key);
    }
    return before.size > known;
  };
  const clear = () => {
    for (const [field, value] of before) put(field, value);
    left.clear();
    uncorner("restored");
  };
  const again = () => {
    if (fill() && !corners.restored?.filled) say();
    if (still) scrollTo(x, y);
  };
  const say = () => {
    corner("restored", [
      element("strong", {}, texts.back_title),
      before.size ? paragraph(texts.restored) : "",
      element("div", { class: "row" }, button(texts.understood, () => uncorner("restored")),
        before.size ? button(texts.clear, clear, "quiet") : ""),
      help("MJ-SESSION-024"),
    ]);
    corners.restored.filled = before.size > 0;
  };
  again();
  if (!corners.restored) say();
  const late = new MutationObserver(again);
  late.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => late.disconnect(), LATE_FIELDS);
}
