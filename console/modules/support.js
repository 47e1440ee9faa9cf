// Somebody who needs help is found by name; nobody is shown without one.

import { badge, el, link } from "console/dom";
import { supportedPeople } from "console/insight";
import { list } from "console/list";
import { t } from "console/words";

const root = document.getElementById("view");
root.append(el("p", { class: "lead" }, t("find_person_hint")));
list(root, {
  name: t("find_person"),
  load: supportedPeople,
  key: (one) => one.id,
  filters: [["name", t("search_people")]],
  columns: [
    [t("person"), (one) => [link(`/support/${one.id}`, one.display_name), el("small", {}, one.login_name)]],
    [t("state"), (one) => badge(one.state === "locked" ? "danger" : "success", t(`state_${one.state}`))],
  ],
});
