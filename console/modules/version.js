// One version of the policy: its rules, and what can be done with it now.

import { refusal } from "console/api";
import { act } from "console/act";
import { badge, card, el, facts, link } from "console/dom";
import { heading } from "console/object";
import { publish, rollBack, version } from "console/policy";
import { moment, t } from "console/words";

const root = document.getElementById("view");
const number = root.dataset.named;
const KINDS = { published: "success", draft: "information", retired: "warning" };

function acts(one) {
  if (one.state === "draft") {
    return act({ label: t("publish"), happens: () => t("publish_happens", { number }), done: () => t("publish_done", { number }), run: (why) => after(publish(number, why)) });
  }
  if (one.state === "retired") {
    return act({ label: t("roll_back"), happens: () => t("roll_back_happens", { number }), done: () => t("roll_back_done", { number }), run: (why) => after(rollBack(number, why)) });
  }
  return el("p", { class: "muted" }, t("in_force"));
}

async function after(doing) {
  await doing;
  await show();
}

async function show() {
  const { version: one, rules, roles, zones } = await version(number);
  heading(t("version_number", { number }));
  root.replaceChildren(
    el("div", { class: "object" },
      card(t("version"),
        facts([
          [t("state"), badge(KINDS[one.state] ?? "information", t(`version_${one.state}`))],
          [t("reason"), one.why],
          [t("by"), one.author],
          [t("created"), moment(one.created_at)],
          one.published_at && [t("published_at"), moment(one.published_at)],
          one.publisher && [t("published_by"), one.publisher],
          one.restores && [t("version"), link(`/policy/${one.restores}`, t("restores", { number: one.restores }))],
          [t("fingerprint"), el("code", {}, one.sha256.slice(0, 16))],
        ]),
        el("div", { class: "acts" }, acts(one))),
      card(t("scope"), facts([[t("roles"), roles.join(", ")], [t("zones"), zones.map(({ name }) => name).join(", ")]]))),
    el("h2", { id: "rules" }, t("rules")),
    el("pre", { class: "rules", tabindex: "0", role: "region", "aria-labelledby": "rules" }, rules));
}

try {
  await show();
} catch (error) {
  root.replaceChildren(refusal(error));
}
