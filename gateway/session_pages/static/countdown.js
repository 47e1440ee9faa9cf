// Five seconds on the page of an ended session, then the way back in. "Stay", and any key or pointer, stops it.

const box = document.getElementById("munjigi-countdown");
const said = box.querySelector("[role=timer]");
const link = document.getElementById("munjigi-again");
const until = performance.now() + 5_000;
const timer = setInterval(tick, 250);

function tick() {
  const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
  said.textContent = box.dataset.says.replace("{seconds}", left);
  if (left) return;
  clearInterval(timer);
  link.click();
}

function stop() {
  clearInterval(timer);
  said.textContent = box.dataset.stopped;
  box.querySelector("button").hidden = true;
}

for (const kind of ["keydown", "pointerdown", "touchstart"]) addEventListener(kind, stop, { once: true });
box.hidden = false;
tick();
link.focus();
