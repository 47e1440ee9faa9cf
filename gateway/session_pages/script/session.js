// Any page behind the gateway includes this with one line:
//   <script type="module" src="/.munjigi/session.js"></script>
// It keeps one clock with the server and with all tabs, asks for more time with the moment of the person's last act,
// keeps what they typed while they sign in again, and holds a request that needs a new or a stronger sign-in until they
// have given it. What is seen of it stands in told.js, loaded when there is something to see. All words and times come
// from the server.

const ROOM = "/.munjigi/";
// in full: the page's own <base> must not lead our addresses elsewhere
const BASE = new URL(ROOM, import.meta.url).href;
const ASK_PAUSE = 10;
const ASK_AGAIN = 30;
const TELL_TABS = 5;
const POLLS_FROM = 10_000;
const LISTEN_AGAIN = 3_000;
const SIGNING_OUT = 60;
const SAVE_PAUSE = 1_000;
const KEPT = "munjigi:";
const KEPT_FOR = 12 * 3_600_000;
// characters, of two bytes each
const KEPT_AT_MOST = 128 * 1024;

const native = self.fetch.bind(self);
const channel = new BroadcastChannel("munjigi-session");
const post = (news) => channel.postMessage(news);

// Two clocks, since the wall clock may jump and the other one may stand still while a laptop sleeps: the later one counts.
const moment = (wall = Date.now()) => ({ wall, ticks: performance.now() - Math.max(0, Date.now() - wall) });
const since = (then) => Math.max(0, Date.now() - then.wall, performance.now() - then.ticks) / 1000;
const never = { wall: -Infinity, ticks: -Infinity };

let active = never;
let heard = moment();
let asked = never;
let saidActive = never;
let signingOut = never;
let failed = never;
let failures = 0;
let asking, carried, looking, loading, holding, saving, warning, stream, leads, release, submitted, passes, foreign;
let touched = new WeakSet();
const passwords = new WeakSet();

const core = {
  ROOM, BASE, native, post, moment, since, act, leave, typed, capped, notice,
  // what the server said last of the session, counted from `heard`
  clock: null,
  // what it said of this page: whose it is, of which sign-in, when to warn, what needs a stronger one
  page: null,
  // the news of the end, once there is any
  over: null,
  // the kind of dialog that is open
  shown: "",
  // the person looks at the page although the session is over
  seen: false,
  // the notice of the longest time that was given
  said: "",
  left: () => (core.clock ? core.clock.left - since(heard) : Infinity),
};
const here = () => location.pathname + location.search;

// One lost file must not leave the page without words for good; a browser keeps a module that failed by its address.
const tell = () =>
  (loading ??= import(`./told.js${failures ? `?${failures}` : ""}`).then((module) => module.begin(core)).catch((error) => {
    loading = null;
    failed = moment();
    failures += 1;
    throw error;
  }));

async function show(what, otherwise, again = LISTEN_AGAIN) {
  let it;
  try { it = await tell(); } catch {
    if (again) setTimeout(show, again, what, otherwise, 0);
    else otherwise?.();
    return;
  }
  try { what(it); } catch (error) {
    otherwise?.();
    throw error;
  }
}

const shown = (what) => loading?.then(what, () => {});

// The clock

// An answer counts from when it was asked for: the laptop may have slept in between.
async function ask(path, body) {
  const { wall } = moment();
  try {
    const answer = await native(BASE + path, body && {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
    if (answer.ok) take({ ref: answer.headers.get("munjigi-correlation-id"), ...await answer.json(), wall }, true);
  } catch {
    // the network is away: the next look, or the stream, will say
  }
}

const look = () =>
  (looking ??= ask(`session?path=${encodeURIComponent(location.pathname)}`).finally(() => { looking = null; }));

// An act while a question is on its way, which tells of an earlier one, is told behind it.
function extend() {
  if (asking && core.shown === "warning" && carried !== active) return asking.then(extend);
  if (core.over || since(asked) < ASK_PAUSE && core.shown !== "warning") return asking;
  carried = active;
  return (asking ??= ask("session/extend", { idle_for: since(active) }).finally(() => { asking = null; asked = moment(); }));
}

// Nothing extends a session beyond its longest time.
function capped() {
  return core.clock.absolute_left <= core.clock.left + 0.5;
}

// Given once, and once more where it is time to warn.
function notice() {
  return capped() && `${core.clock.session} ${core.left() <= core.page.warn_before}`;
}

function due() {
  const { clock, page } = core;
  if (!clock || !page || core.over) return false;
  const idle = Math.min(since(active), clock.idle_for + since(heard));
  return core.left() <= page.warn_before || page.warn_after_idle && idle >= page.warn_after_idle;
}

const asks = () => core.left() <= core.clock?.ask_before && !capped();

// A warning stands on the server's word: the clocks here may have jumped.
async function tick() {
  if (core.over || core.left() <= 0) return core.over || look();
  const warn = due() && !core.shown && !warning && core.said !== notice() && since(failed) > ASK_PAUSE;
  if (!warn && !(asks() && since(asked) > ASK_AGAIN)) return;
  warning ||= warn;
  await (capped() ? look() : extend());
  const it = warn && due() && await tell().catch(() => null);
  if (it && due() && !core.shown) it.warn();
  warning &&= !warn;
}

function act() {
  active = moment();
  if (core.clock && since(saidActive) > TELL_TABS) post({ state: "active", wall: (saidActive = active).wall });
  if (core.shown === "warning" || asks()) extend();
}

// The news: `own` from the server, else from another tab

function take(news, own) {
  const { state } = news;
  if (foreign) return;
  if (state === "live") live(news, own);
  else if (state === "ended") end(news, own);
  // nobody now: whoever signed out by a form of ours was heard of; of any other nothing is known
  else if (state === "none" && core.clock) {
    end({ ...news, state: "ended", reason: since(signingOut) < SIGNING_OUT ? "sign_out" : "", at: new Date().toISOString() }, own);
  } else if (state === "leaving") signingOut = moment();
  else if (state === "attempt" && (!own || unheard(news))) show((it) => it.attempt(news));
  else if (state === "signed_in") Promise.resolve(looking).then(look);
  else if (state === "active" && since(active) > since(moment(news.wall))) active = moment(news.wall);
  else if (state === "stay" || state === "mine") shown((it) => it[state]());
}

function unheard(news) {
  if (store(localStorage, "munjigi-attempt") === news.id) return false;
  store(localStorage, "munjigi-attempt", news.id);
  post(news);
  return true;
}

function live(news, own) {
  const { page, over, clock } = core;
  if (page && news.person !== page.person) return stranger();
  heard = moment(news.wall);
  // that a page was loaded may have been nobody's act: the server says when the last one was
  if (active === never) active = moment(heard.wall - news.idle_for * 1000);
  core.clock = news;
  core.over = null;
  core.seen = false;
  if (own) post({ ...news, login: null, wall: heard.wall });
  if (news.login) {
    core.page = news;
    if (!page) restore();
    else if (page.login !== news.login) shown((it) => it.renewed());
  } else if (over || clock && clock.session !== news.session) look();
  if (over || core.shown === "warning" && (!due() || capped())) shown((it) => it.settled());
  connect();
}

// Somebody else is here now: this page asks, sends and keeps nothing more, and another tab may hold the stream.
function stranger() {
  foreign = true;
  core.clock = core.over = null;
  forget();
  stream?.close();
  stream = null;
  release?.();
  show((it) => it.other(), () => location.reload());
}

function end(news, own) {
  if (core.over || core.clock && news.session && news.session !== core.clock.session) return;
  if (!core.clock && (!own || news.public)) return;
  core.over = { ...news, wall: own ? Date.now() : news.wall };
  if (own) post(core.over);
  stream?.close();
  stream = null;
  if (news.reason === "sign_out") forget();
  else save(true);
  show((it) => core.over && it.ended(), () => core.over && leave("ended"));
}

// One tab of a browser keeps the stream for all of them: browsers open few connections to one host.
function connect() {
  if (!leads || stream || core.over || !core.clock) return;
  stream = new EventSource(`${BASE}session/events`);
  for (const kind of ["session", "warning", "attempt", "ended"]) {
    stream.addEventListener(kind, (event) => take(JSON.parse(event.data), true));
  }
  stream.addEventListener("error", async () => {
    // unless it is closed, the browser comes back by itself
    if (stream?.readyState !== EventSource.CLOSED) return;
    stream = null;
    await look();
    setTimeout(connect, LISTEN_AGAIN);
  });
}

// What was typed: in this tab alone, for the person who typed it, until they are back from signing in

function store(where, key, value) {
  try {
    return value === undefined ? where.getItem(key) : value === null ? where.removeItem(key) : where.setItem(key, value);
  } catch {
    return null;
  }
}

function kept() {
  return Object.keys(self.sessionStorage ?? {}).filter((key) => key.startsWith(KEPT)).map((key) => {
    let entry = {};
    try { entry = JSON.parse(store(sessionStorage, key)) ?? entry; } catch {}
    return { key, entry, size: key.length + (store(sessionStorage, key) ?? "").length };
  }).sort((one, other) => one.entry.at - other.entry.at);
}

function forget() {
  for (const { key } of kept()) store(sessionStorage, key, null);
  touched = new WeakSet();
}

// by the prototype, here and below: a field of a form may bear the name of any of its methods
const own = (element, name) => (element && Element.prototype.getAttribute.call(element, name)) ?? "";
const SECRET = /passw|passcode|passphrase|pwd|cvc|cvv|card[-_ ]?num|주민|비밀번호|카드 ?번호|인증 ?번호|(^|[^a-z])(pin|otp|totp|csc|ssn|rrn|jumin|secret|card[-_ ]?no)([^a-z]|$)/i;
const called = (field) =>
  [field.name, field.id, ...[...field.labels ?? []].map((label) => label.textContent)].join(" ").replace(/([a-z])([A-Z])/g, "$1-$2");
const secret = (field) =>
  passwords.has(field) || /^(password|hidden|file|submit|button|image|reset)$/.test(field.type)
  || /password|one-time-code|cc-/i.test(own(field, "autocomplete")) || SECRET.test(called(field))
  || field.closest("[data-munjigi-secret]");

// Every field that may be kept, under a name that it has again after the page was loaded anew.
function typed() {
  const fields = new Map();
  for (const field of document.querySelectorAll("input, textarea, select")) {
    const name = field.name || field.id;
    if (field.type === "password") passwords.add(field);
    if (!name || secret(field)) continue;
    const { form } = field;
    const choice = /radio|checkbox/.test(field.type);
    const key = [own(form, "id") || own(form, "name") || own(form, "action"), name, choice ? field.value : ""].join(" ");
    let number = 0;
    while (fields.has(`${key} ${number}`)) number += 1;
    fields.set(`${key} ${number}`, field);
  }
  return fields;
}

function save(leaving) {
  clearTimeout(saving);
  saving = null;
  if (!core.page || foreign) return;
  const fields = [];
  for (const [key, field] of typed()) {
    if (!touched.has(field)) continue;
    if (/radio|checkbox/.test(field.type)) {
      if (field.checked || field.type === "checkbox") fields.push([key, field.checked]);
    } else if (field.value !== field.defaultValue) {
      fields.push([key, field.multiple && field.options ? [...field.selectedOptions].map((one) => one.value) : field.value]);
    }
  }
  const key = KEPT + core.page.person + here();
  store(sessionStorage, key, null);
  if (!fields.length && !leaving) return;
  const sent = submitted && !submitted.defaultPrevented;
  const text = JSON.stringify({
    at: Date.now(), login: core.page.login, hash: location.hash, x: scrollX, y: scrollY, fields, sent,
  });
  const others = kept();
  let size = text.length + others.reduce((sum, other) => sum + other.size, key.length);
  while (size > KEPT_AT_MOST && others.length) {
    const oldest = others.shift();
    size -= oldest.size;
    store(sessionStorage, oldest.key, null);
  }
  if (size <= KEPT_AT_MOST) store(sessionStorage, key, text);
}

// A sign-in since it was kept, as the server tells by `login`, means that the person is back from it.
function restore() {
  const { person, login } = core.page;
  const key = KEPT + person + here();
  for (const { key: one, entry } of kept()) {
    const mine = one.startsWith(KEPT + person) && Date.now() - entry.at < KEPT_FOR;
    const back = mine && entry.login !== login;
    if (back && one === key) show((it) => it.restore(entry));
    if (one === key || !mine || entry.sent && !back) store(sessionStorage, one, null);
  }
}

function leave(to, wanted) {
  save(true);
  location.assign(`${BASE}${to}?${new URLSearchParams({ return_to: here() + location.hash, ...wanted })}`);
}

// What needs a sign-in, or a stronger one, waits for it and then goes on as it was. null: it could not be asked for.

const hold = (wanted, ref) => (holding ??= tell().then((it) => it.hold(wanted, ref)).catch(() => null)
  .finally(() => { holding = null; }));

async function guarded(input, init) {
  let url;
  try { url = new URL(input instanceof Request ? input.url : input, document.baseURI); } catch {}
  if (url?.origin !== location.origin || url.pathname.startsWith(ROOM) || init?.body instanceof ReadableStream) {
    return native(input, init);
  }
  const again = input instanceof Request ? input.clone() : input;
  const reads = /^(GET|HEAD)$/i.test(init?.method ?? input.method ?? "GET");
  if (foreign && !reads) throw new DOMException("Somebody else signed in", "AbortError");
  const login = core.page?.login;
  const acted = navigator.userActivation?.isActive !== false;
  const told = core.shown === "ended";
  const answer = await native(input, init);
  if (answer.ok && !reads && submitted?.defaultPrevented) {
    for (const field of typed().values()) if (field.form === submitted.target) touched.delete(field);
    submitted = null;
    save();
  }
  const { realm, error, ...challenge } = Object.fromEntries(
    [...(answer.headers.get("www-authenticate") ?? "").matchAll(/(\w+)="([^"]*)"/g)].map((found) => found.slice(1)));
  if (answer.status !== 401 || realm !== "munjigi") return answer;
  const stronger = error === "insufficient_user_authentication" && challenge;
  await look();
  if (foreign) return answer;
  const fresh = !core.over && core.clock && (!stronger || core.page?.login !== login);
  if (!fresh) {
    // what a page sends by itself opens nothing, and only what a person began before it takes the place of the news
    if (reads && core.seen || !acted && (core.over || performance.now() > POLLS_FROM)) return answer;
    if ((told || reads) && core.over && (await tell().catch(() => {}), core.shown === "ended")) return answer;
    if (!(await hold(core.over ? null : stronger, answer.headers.get("munjigi-correlation-id")))) return answer;
  }
  return native(again, init);
}

function submitting(event) {
  const { target: form, submitter: by } = event;
  const given = (name) => own(by, `form${name}`) || own(form, name);
  const to = new URL(given("action") || location, document.baseURI);
  const method = (given("method") || "get").toUpperCase();
  if (to.origin !== location.origin) return;
  if (to.pathname === `${ROOM}sign-out`) {
    forget();
    signingOut = moment();
    post({ state: "leaving" });
    return;
  }
  const wanted = () => core.page?.sensitive.find((one) => one.methods.includes(method) && !one.met && covers(one.path, to));
  const posts = method === "POST";
  const held = foreign ? posts : wanted() || core.over && posts;
  if (passes === form || !held) { submitted = event; return; }
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!foreign) goOn(form, by, wanted);
}

// Segment by segment; what is below the last one is meant, too.
function covers(path, { pathname }) {
  const given = pathname.split("/");
  return path === "/" || path.split("/").every((part, at) => at in given && (part === "*" || part === given[at]));
}

// Where nothing can be asked for here, the form goes, and the gateway asks by a page of its own.
async function goOn(form, by, wanted) {
  for (let passed = false; !passed;) {
    await look();
    passed = !core.over && !wanted() || await hold(core.over ? null : wanted());
    if (passed === false || foreign) return;
    if (passed === null) break;
    passed = !core.over && !wanted();
  }
  passes = form;
  HTMLFormElement.prototype.requestSubmit.call(form, by?.form === form ? by : null);
  passes = null;
}

function begin() {
  // assistive technology and dictation send no keys: what they do shows as a click or as input
  for (const kind of ["keydown", "pointerdown", "pointermove", "touchstart", "wheel", "input", "click"]) {
    addEventListener(kind, ({ isTrusted }) => {
      if (isTrusted && (core.shown === "warning" || since(active) > 1)) act();
    }, { passive: true, capture: true });
  }
  addEventListener("focusin", ({ target }) => { if (target.type === "password") passwords.add(target); }, true);
  addEventListener("input", ({ target }) => {
    touched.add(target);
    saving ??= setTimeout(save, SAVE_PAUSE);
  }, true);
  addEventListener("submit", submitting, true);
  addEventListener("pagehide", () => save(core.over));
  addEventListener("pageshow", (event) => { if (event.persisted) core.over ? location.reload() : look(); });
  addEventListener("online", look);
  addEventListener("focus", () => holding && look());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && core.clock) look(); });
  channel.addEventListener("message", (event) => take(event.data, false));
  if (!document.querySelector('meta[name="munjigi"][content~="no-fetch"]')) self.fetch = guarded;
  setInterval(tick, 1000);
  typed();
  look();
  navigator.locks.request("munjigi-session", () => {
    if (foreign) return;
    leads = true;
    connect();
    return new Promise((resolve) => { release = resolve; });
  });
}

// A page that includes it, and into which the gateway puts it, has it once.
if (!self.munjigi) {
  self.munjigi = true;
  begin();
}
