// The button beside a password field that shows what was typed. It has its place before this script comes, so that nothing
// moves; without the script it is not seen, and the field works as it is.

for (const place of document.querySelectorAll("[data-show-password]")) {
  const input = place.querySelector("input");
  const button = place.querySelector("button");
  const say = () => {
    const hidden = input.type === "password";
    button.textContent = hidden ? place.dataset.show : place.dataset.hide;
    button.setAttribute("aria-pressed", String(!hidden));
  };
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    say();
    input.focus();
  });
  input.form?.addEventListener("submit", () => (input.type = "password"));
  button.classList.remove("unready");
}
