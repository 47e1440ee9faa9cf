// New mails appear at the top of the list as they come.
const news = document.getElementById("news");
const table = document.getElementById("mails");
const rows = table.tBodies[0];

function cell(row, content) {
  const made = row.insertCell();
  made.append(content);
}

function show(mail) {
  const to = news.dataset.to.toLowerCase();
  if (to && !mail.to.some((address) => address.toLowerCase() === to)) return;
  const row = rows.insertRow(0);
  const link = document.createElement("a");
  link.href = `/mails/${encodeURIComponent(mail.id)}`;
  link.textContent = mail.subject || "…";
  const time = document.createElement("time");
  time.dateTime = new Date().toISOString();
  time.textContent = new Date().toLocaleTimeString(document.documentElement.lang);
  cell(row, link);
  cell(row, mail.to.join(", "));
  cell(row, time);
  table.hidden = false;
  document.getElementById("empty")?.remove();
  news.textContent = news.dataset.text.replace("…", mail.subject);
}

const stream = new EventSource(`/news?after=${encodeURIComponent(news.dataset.after)}`);
stream.addEventListener("mail", (event) => show(JSON.parse(event.data)));
addEventListener("pagehide", () => stream.close());
