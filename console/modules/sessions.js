// Who is signed in now.

import { act } from "console/act";
import { badge, el, link } from "console/dom";
import { endSession, organisationChoices, sessions } from "console/identity";
import { list } from "console/list";
import { ago, moment, place, t } from "console/words";

const strength = ({ acr }) => (acr.endsWith(":3") ? "security_key" : acr.endsWith(":2") ? "two_factors" : "one_factor");

const shown = list(document.getElementById("view"), {
  name: t("sessions"),
  load: sessions,
  live: true,
  key: (session) => session.sid,
  filters: [["name", t("search_people")], ["organisation", t("organisation"), await organisationChoices()]],
  columns: [
    [t("person"), (one) => [link(`/people/${one.user_id}`, one.display_name), el("small", {}, one.organisation)]],
    [t("device"), (one) => link(`/sessions/${one.sid}`, one.device || t("unknown"))],
    [t("place"), (one) => [place(one.place, one.network), el("small", {}, one.ip)]],
    [t("strength"), (one) => badge(strength(one) === "one_factor" ? "warning" : "success", t(strength(one)))],
    [t("last_active"), (one) => el("time", { datetime: one.last_activity_at, title: moment(one.last_activity_at) }, ago(one.last_activity_at))],
    [t("ends"), (one) => el("time", { datetime: one.idle_expires_at, title: moment(one.absolute_expires_at) }, ago(one.idle_expires_at))],
    [t("acts"), (one) => (one.own ? el("span", { class: "muted" }, t("own_session")) : act({
      label: t("end_session"),
      about: one.display_name,
      happens: () => t("end_session_happens", { name: one.display_name, device: one.device || t("unknown") }),
      done: () => t("end_session_done", { name: one.display_name }),
      run: async (why) => { await endSession(one.sid, why); await shown.refresh(); },
    }))],
  ],
});
