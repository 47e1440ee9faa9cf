// Pages of the account hear at once of apps that ask behind their person's back, and of requests that are over. One tab
// listens for all of them. Without this script a page shows what there is when it is loaded.

const told = document.querySelector("[data-requests]");
const list = document.querySelector("[data-requests-list]");
const channel = new BroadcastChannel("munjigi-requests");
const approvals = document.querySelector("[data-approvals-news]");
const AGAIN = 30000;
let newest = null;
let lastApprovals = null;
let leads = false;
let busy = Promise.resolve();

const words = (name) => told.querySelector(`template[data-say="${name}"]`).content.cloneNode(true);
const say = (name) => told.replaceChildren(...told.querySelectorAll("template"), ...(name ? [words(name)] : []));
const cards = () => [...list.querySelectorAll("[data-request]")];

// A card keeps its place, so that no button moves under a finger.
function over(card) {
  const form = card.querySelector("form");
  if (!form) return;
  const held = form.contains(document.activeElement);
  const notice = words("over").firstElementChild;
  form.replaceWith(notice);
  if (held) notice.focus();
}

// The browser parses it: under Trusted Types no script may.
const load = () => new Promise((resolve, reject) => {
  const asked = new XMLHttpRequest();
  asked.open("GET", "/account/requests?part=list");
  asked.responseType = "document";
  asked.setRequestHeader("Accept", "text/html");
  asked.addEventListener("load", () => resolve(asked.status === 200 ? asked.response : null));
  asked.addEventListener("error", reject);
  asked.send();
});

async function add(ids) {
  const page = await load();
  if (!page) return false;
  // somebody else signed in with this browser meanwhile: what is theirs is not shown here
  if (page.querySelector("[data-requests-list]")?.dataset.requestsList !== list.dataset.requestsList) return false;
  const shown = new Set(cards().map((card) => card.dataset.request));
  const found = [...page.querySelectorAll("[data-request]")].filter((card) => !shown.has(card.dataset.request));
  list.querySelector("[data-none]")?.remove();
  list.append(...found.map((card) => document.adoptNode(card)));
  return found.some((card) => ids.includes(card.dataset.request));
}

async function show({ waiting, ended }) {
  if (ended) {
    list?.querySelectorAll("form").forEach((form) => form.remove());
    return say("ended");
  }
  if (!list) return say(waiting.length ? "waiting" : "");
  const open = cards().filter((card) => card.querySelector("form"));
  const gone = open.filter((card) => !waiting.includes(card.dataset.request));
  gone.forEach(over);
  const isNew = waiting.some((id) => !cards().some((card) => card.dataset.request === id));
  if (isNew && await add(waiting)) say("new");
  else if (gone.length) say("answered");
}

// Somebody signs in elsewhere, and this browser may approve it.
function approve(waiting) {
  const shown = waiting.length ? approvals.querySelector("template").content.cloneNode(true) : "";
  approvals.replaceChildren(approvals.querySelector("template"), shown);
}

function take(news) {
  if (news.approvals) return approve(news.approvals);
  newest = news;
  busy = busy.then(() => show(news)).catch(() => {});
}

function listen() {
  const stream = new EventSource("/account/requests/events");
  const hear = (read) => ({ data }) => {
    take(read(JSON.parse(data)));
    channel.postMessage(newest);
  };
  stream.addEventListener("requests", hear(({ waiting }) => ({ waiting })));
  stream.addEventListener("approvals", ({ data }) => {
    lastApprovals = { approvals: JSON.parse(data).waiting };
    take(lastApprovals);
    channel.postMessage(lastApprovals);
  });
  stream.addEventListener("ended", hear(() => ({ ended: true })));
  stream.addEventListener("ended", () => stream.close());
  // unless it is closed, the browser comes back by itself
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED && !newest?.ended) setTimeout(listen, AGAIN);
  });
}

channel.addEventListener("message", ({ data }) => {
  if (data.asks) {
    for (const news of [newest, lastApprovals]) leads && news && channel.postMessage(news);
  }
  else take(data);
});
channel.postMessage({ asks: true });
navigator.locks.request("munjigi-requests", () => {
  leads = true;
  listen();
  return new Promise(() => {});
});
