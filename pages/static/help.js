// Copies code and reference of a help page; the button shows only where the browser can do it.
const button = document.getElementById("help-copy");
if (navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const parts = ["help-code", "help-reference"].map((id) => document.getElementById(id)?.textContent);
    await navigator.clipboard.writeText(parts.filter(Boolean).join(" "));
    document.getElementById("help-said").textContent = button.dataset.done;
    button.textContent = button.dataset.done;
  });
}
