// Five seconds on the page of an ended session, then the link that it names. Any key or pointer stops it.
const { target } = document.querySelector("script[data-target]").dataset;
const link = document.getElementById(target);
const label = link.textContent;
let left = 5;
const timer = setInterval(tick, 1000);
function tick() {
  left -= 1;
  link.textContent = `${label} (${left})`;
  if (left <= 0) {
    clearInterval(timer);
    link.click();
  }
}
function stop() {
  clearInterval(timer);
  link.textContent = label;
}
for (const kind of ["keydown", "pointerdown", "touchstart"]) addEventListener(kind, stop, { once: true });
link.textContent = `${label} (${left})`;
link.focus();
