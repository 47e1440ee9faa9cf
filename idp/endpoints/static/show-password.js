// A button beside a password field that shows what was typed. Its place is kept before this script comes, so that nothing
// moves; without the script it is not there, and the field works as it is.

for (const place of document.querySelectorAll("[data-show-password]")) {
  const input = place.querySelector("input");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const say = () => {
    const hidden = input.type === "password";
    button.textContent = hidden ? place.dataset.show : place.dataset.hide;
    button.setAttribute("aria-pressed", String(!hidden));
  };
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    say();
    input.focus();
  });
  input.form?.addEventListener("submit", () => (input.type = "password"));
  say();
  place.querySelector(".unready").replaceWith(button);
}
