// A page that waits for an approval on another device goes on by itself. Without this script a button does the same.

const EVERY = 1500;
const waits = document.querySelector("form[data-approval-wait]");

async function look() {
  const answer = await fetch(waits.dataset.approvalWait, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { state } = await answer.json();
  if (state !== "pending") return void waits.requestSubmit();
  setTimeout(again, EVERY);
}

const again = () => look().catch(() => setTimeout(again, EVERY));
if (waits) setTimeout(again, EVERY);
