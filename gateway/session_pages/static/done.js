// The page that waits in another window hears that its person is back, and this window closes: not before it was heard,
// since closing takes along what is still on its way.

const channel = new BroadcastChannel("munjigi-session");
channel.addEventListener("message", () => close());
channel.postMessage({ state: "signed_in" });
setTimeout(close, 500);
