// The page that waits for a link by mail looks whether it was used in another tab, and goes on by itself.
const waiting = document.querySelector("[data-link-waiting]");
const EVERY = 3000;

async function look() {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "application/json" }, redirect: "error" });
    const said = await answer.json();
    if (said.go) location.assign(said.go);
    else if (said.moved) location.reload();
  } catch {
    // away for a moment: the button is still there
  }
}

if (waiting) {
  const timer = setInterval(look, EVERY);
  addEventListener("pagehide", () => clearInterval(timer));
  document.addEventListener("visibilitychange", look);
}
