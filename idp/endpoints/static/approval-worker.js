// The service worker of browsers that approve. `TEXTS` stands before it, as it is served. It controls no page and
// fetches nothing: it shows that somebody asks, and leads to the page that says what.

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  const { id, locale } = event.data.json();
  const words = TEXTS[locale] ?? TEXTS.en;
  event.waitUntil(
    self.registration.showNotification(words.title, {
      body: words.body,
      lang: locale,
      tag: id,
      requireInteraction: true,
      data: { id },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(`/approvals/${encodeURIComponent(event.notification.data.id)}`));
});
