// The form goes on by itself once its person was confirmed in the other tab; without this script they press the button.
// It is one person's form: before it goes, by itself or by the button, the gateway is asked who is signed in now.

const form = document.getElementById("kept");
const news = document.getElementById("news");
const { person, goingOn, other, notYet, unknown } = news.dataset;
let asking = false;
let sent = false;

async function signedIn() {
  const answer = await fetch("/.munjigi/session");
  if (!answer.ok) throw new Error(answer.statusText);
  return (await answer.json()).person;
}

async function goOn() {
  if (sent || asking) return;
  asking = true;
  try {
    const now = person && await signedIn();
    sent = now === person;
    news.textContent = sent ? goingOn : now ? other : notYet;
  } catch {
    news.textContent = unknown;
  } finally {
    asking = false;
  }
  // by the prototype: an entry of the form may bear any name, also this method's
  if (sent) HTMLFormElement.prototype.requestSubmit.call(form);
}

addEventListener("submit", (event) => {
  if (event.target !== form || sent) return;
  event.preventDefault();
  goOn();
});
// back from the answer, the page stands as it did
addEventListener("pageshow", (event) => { if (event.persisted) sent = false; });

new BroadcastChannel("munjigi-session").addEventListener("message", (event) => {
  if (event.data?.state === "signed_in") goOn();
});
