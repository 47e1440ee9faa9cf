// A failed sign-in is answered in place: the form goes to the server without leaving the page, and what was wrong is
// told in a dialog that has the form in it. Without this script the same form is answered by the same page.

const card = document.querySelector("[data-sign-in]");
const form = card?.querySelector("form[data-in-place]");
const dialog = document.getElementById("failed");
const texts = JSON.parse(card?.dataset.texts ?? "{}");

if (form && dialog?.showModal) {
  const home = card.querySelector("[data-home]");
  const summary = dialog.querySelector("[data-summary]");
  const help = card.querySelector("[data-help-in-detail]");
  const helpHome = document.createComment("");
  help.before(helpHome);
  const codeLine = dialog.querySelector("[data-code]");
  const contact = dialog.querySelector("[data-contact]");
  const button = form.querySelector("button:not([type=button])");
  let waiting = 0;
  let busy = false;

  const place = dialog.querySelector("[data-place]");
  const goHome = () => {
    home.append(...place.children);
    helpHome.after(help);
  };

  const mark = (input, text) => {
    const field = input.closest(".field");
    field?.querySelector(".error")?.remove();
    field?.classList.toggle("wrong", Boolean(text));
    if (!text) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      return;
    }
    const told = document.createElement("p");
    told.className = "error";
    told.id = `${input.id}-error`;
    told.textContent = text;
    input.before(told);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", told.id);
  };

  const pause = (seconds) => {
    clearInterval(waiting);
    if (!seconds) return;
    const until = Date.now() + seconds * 1000;
    const clock = document.createElement("p");
    clock.setAttribute("role", "timer");
    clock.setAttribute("aria-live", "off");
    summary.append(clock);
    button.disabled = true;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left > 0) {
        clock.textContent = `${texts.waiting} ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
        return;
      }
      clearInterval(waiting);
      clock.setAttribute("aria-live", "polite");
      clock.textContent = texts.now;
      button.disabled = false;
    };
    tick();
    waiting = setInterval(tick, 1000);
  };

  const tell = (answer) => {
    const inputs = [...form.elements].filter((input) => input.name && input.closest(".field"));
    const said = new Map(answer.faults);
    for (const input of inputs) mark(input, said.get(input.name));
    form.elements.password.value = "";
    contact.hidden = !answer.code || answer.help;
    codeLine.hidden = !answer.code;
    if (answer.code) {
      codeLine.querySelector("a").href = answer.help_at;
      codeLine.querySelector("code").textContent = answer.code;
    }
    if (answer.reference) {
      for (const shown of document.querySelectorAll("[data-reference]")) shown.textContent = answer.reference;
      for (const link of document.querySelectorAll("[data-support-mail]")) link.href = answer.support_mail;
    }
    if (answer.help) {
      help.hidden = false;
      dialog.querySelector("[data-help]").append(help);
    }
    const others = form.parentElement.querySelector("details");
    if (others && (answer.help || answer.ways)) others.open = true;
    place.append(...home.children);
    if (!dialog.open) dialog.showModal();
    const heading = document.createElement("strong");
    heading.textContent = texts.please_check;
    const list = document.createElement("ul");
    for (const [, text] of answer.faults) {
      const item = document.createElement("li");
      item.textContent = text;
      list.append(item);
    }
    summary.replaceChildren(heading, list); // after the dialog is open, so that it is read out
    pause(answer.wait);
    const way = answer.ways && (others?.querySelector("button[value=ask]") ?? others?.querySelector("button"));
    (inputs.find((input) => said.has(input.name)) ?? (way || form.elements.password)).focus();
  };

  form.addEventListener("submit", async (event) => {
    if (event.submitter?.hasAttribute("formaction")) return; // to another page
    event.preventDefault();
    if (busy || button.disabled) return;
    busy = true;
    form.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams(new FormData(form)),
        redirect: "error",
      });
      const answer = await response.json();
      if (answer.go) {
        location.assign(answer.go);
        return;
      }
      if (answer.faults) tell(answer);
      else form.submit(); // something else: the page that tells of it
    } catch {
      if (navigator.onLine) form.submit();
      else tell({ faults: [["", texts.offline]] });
    } finally {
      busy = false;
      form.removeAttribute("aria-busy");
    }
  });

  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    goHome();
    form.elements.password.focus();
  });

  const remember = form.elements.remember;
  const passkey = card.querySelector("form[data-passkey]");
  if (remember && passkey) {
    // the box is about whichever way is taken
    const kept = document.createElement("input");
    kept.type = "hidden";
    kept.name = "remember";
    passkey.append(kept);
    const follow = () => (kept.value = remember.checked ? "yes" : "");
    remember.addEventListener("change", follow);
    follow();
  }
}
