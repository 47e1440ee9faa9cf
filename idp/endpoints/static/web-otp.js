// A browser that reads a text whose last line names this host (WebOTP) fills the code in; its person still sends it.
const field = document.getElementById("code");

if (field && "OTPCredential" in globalThis) {
  const waiting = new AbortController();
  addEventListener("pagehide", () => waiting.abort());
  field.form?.addEventListener("submit", () => waiting.abort());
  try {
    const found = await navigator.credentials.get({ otp: { transport: ["sms"] }, signal: waiting.signal });
    if (found && !field.value) field.value = found.code;
  } catch {
    // refused, or given up: the person types it
  }
}
