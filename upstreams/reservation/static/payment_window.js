// Opens the window of Toss Payments' script, version 2 (docs.tosspayments.com/sdk/v2/js), which was loaded before this one.
// What it says is not believed: it leads back to us, and the provider is asked.

const checkout = JSON.parse(document.getElementById("checkout").textContent);
const words = JSON.parse(document.getElementById("window-words").textContent);
const button = document.getElementById("open-window");
const said = document.getElementById("window-said");

function say(kind, text) {
  said.className = `notice ${kind}`;
  said.textContent = text;
  said.hidden = !text;
}

async function open() {
  button.disabled = true;
  say("information", words.opening);
  try {
    const { clientKey, method, amount, currency, orderId, orderName, successUrl, failUrl } = checkout;
    const payment = window.TossPayments(clientKey).payment({ customerKey: window.TossPayments.ANONYMOUS });
    await payment.requestPayment({ method, amount: { currency, value: amount }, orderId, orderName, successUrl, failUrl });
  } catch (error) {
    // closed by its person, or refused: nothing was charged, and it can be opened again
    say("warning", error.code === "USER_CANCEL" ? words.closed : words.failed);
    button.disabled = false;
    button.focus();
  }
}

if (typeof window.TossPayments === "function") {
  button.disabled = false;
  button.addEventListener("click", open);
  open();
} else {
  say("warning", words.not_loaded);
  button.textContent = words.load_again;
  button.disabled = false;
  button.addEventListener("click", () => location.reload());
}
