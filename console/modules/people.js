// Everybody who has an account in an organisation of the reader's.

import { badge, el, link } from "console/dom";
import { people } from "console/identity";
import { list } from "console/list";
import { t } from "console/words";

list(document.getElementById("view"), {
  name: t("people"),
  load: people,
  key: (one) => one.id,
  filters: [["name", t("search_people")]],
  columns: [
    [t("person"), (one) => [link(`/people/${one.id}`, one.display_name), el("small", {}, one.login_name)]],
    [t("organisation"), (one) => one.memberships.map(({ organisation }) => organisation).join(", ") || "–"],
    [t("roles"), (one) => [...new Set(one.memberships.flatMap(({ roles }) => roles))].join(", ") || "–"],
    [t("state"), (one) => badge(one.state === "locked" ? "danger" : "success", t(`state_${one.state}`))],
    [t("signed_in"), (one) => t(one.live ? "yes" : "no")],
  ],
});
