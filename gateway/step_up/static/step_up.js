// The form goes on by itself once its person was confirmed in the other tab; without this script they press the button.

const form = document.getElementById("kept");
const news = document.getElementById("news");
let sent = false;

new BroadcastChannel("munjigi-session").addEventListener("message", (event) => {
  if (event.data?.state !== "signed_in" || sent) return;
  sent = true;
  news.textContent = news.dataset.goingOn;
  // by the prototype: an entry of the form may bear any name, also this method's
  HTMLFormElement.prototype.requestSubmit.call(form);
});
