// One reservation's page: shows the result as soon as it is decided. Without this script the page is reloaded by hand.

const own = document.getElementById("reservation-script").dataset;
let pause = 500;
let last = "";

function listen() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/reservations/events${last && `?last=${last}`}`);
  socket.addEventListener("open", () => { pause = 500; });
  socket.addEventListener("message", (event) => {
    const record = JSON.parse(event.data);
    last = Math.max(last, record.event ?? 0) || "";
    if (record.kind === "position" || record.kind === "up_to_date") {
      const place = document.getElementById("position");
      if (record.id === own.id && place) place.textContent = record.position;
      return;
    }
    socket.send(JSON.stringify({ acknowledge: [record.id] }));
    if (record.id === own.id && record.state !== own.state) {
      socket.close();
      location.reload();
    }
  });
  socket.addEventListener("close", (event) => {
    if (event.code === 1000 || (event.code >= 4400 && event.code < 4500)) return;
    setTimeout(listen, pause);
    pause = Math.min(pause * 2, 10000);
  });
}

if (own.state === "QUEUED" || own.state === "PENDING") {
  listen();
  // Signed in again without leaving this page: the socket of the former session is closed.
  new BroadcastChannel("munjigi-session").addEventListener("message", ({ data }) => {
    if (data.state === "signed_in") listen();
  });
}
