// One organisation: what it asks at a second login and of new devices, whom its people ask, how its pages look.

import { act } from "console/act";
import { refusal } from "console/api";
import { card, el, facts, field, link } from "console/dom";
import { changeOrganisation, changes, organisation } from "console/identity";
import { list } from "console/list";
import { heading } from "console/object";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");
const log = el("section", {}, el("h2", {}, t("changes")));
const FIELDS = { duplicate_login: t("duplicate_login"), new_device_factor: t("new_device_factor"), recovery_wait_hours: t("recovery_wait_hours"), sign_in_links: t("sign_in_links"), text_countries: t("text_countries"), look: t("look"), support: t("support"), providers: t("providers") };
let shown;
const id = root.dataset.named;
const LOCALES = ["ko", "en"];
const THEMES = ["light", "dark"];

function choices(name, title, options, chosen) {
  return el("fieldset", {}, el("legend", {}, title), options.map(([value, text]) => {
    const ident = `choice-${name}-${value || "settings"}`;
    return el("div", { class: "choice" },
      el("input", { type: "radio", name, id: ident, value, checked: value === chosen }),
      el("label", { for: ident }, text));
  }));
}

function fields(one) {
  const { look, support } = one;
  return [
    card(t("rules_of_login"),
      choices("duplicate_login", t("duplicate_login"), [["", t("duplicate_settings")], ["ask", t("duplicate_ask")], ["take_over", t("duplicate_take_over")]], one.duplicate_login ?? ""),
      choices("new_device_factor", t("new_device_factor"), [["", t("as_settings")], ["true", t("yes")], ["false", t("no")]], String(one.new_device_factor ?? "")),
      field("recovery_wait_hours", t("recovery_wait_hours"), { type: "number", min: "0", max: "720", value: one.recovery_wait_hours ?? "" }),
      el("p", { class: "hint" }, t("recovery_wait_hint")),
      choices("sign_in_links", t("sign_in_links"), [["", t("as_settings")], ["true", t("yes")], ["false", t("no")]], String(one.sign_in_links ?? "")),
      field("text_countries", t("text_countries"), { value: one.text_countries?.join(", ") ?? "", maxlength: "200", autocomplete: "off", pattern: "\\s*([A-Za-z]{2}(\\s*,\\s*[A-Za-z]{2})*)?\\s*" }),
      el("p", { class: "hint" }, t("text_countries_hint"))),
    card(t("support"), el("p", { class: "hint" }, t("support_hint")),
      field("support_name", t("support_name"), { value: support?.name ?? "", maxlength: "200" }),
      field("support_email", t("email"), { type: "email", value: support?.email ?? "", maxlength: "200", autocomplete: "off" }),
      field("support_phone", t("phone"), { type: "tel", value: support?.phone ?? "", maxlength: "200", autocomplete: "off" }),
      field("support_url", t("site"), { type: "url", value: support?.url ?? "", maxlength: "200", placeholder: "https://" })),
    card(t("look"), el("p", { class: "hint" }, t("look_hint")),
      LOCALES.map((locale) => field(`look_name_${locale}`, t(`look_name_${locale}`), { value: look?.name?.[locale] ?? "", maxlength: "40", lang: locale })),
      LOCALES.map((locale) => field(`look_welcome_${locale}`, t(`look_welcome_${locale}`), { value: look?.welcome?.[locale] ?? "", maxlength: "160", lang: locale })),
      THEMES.map((theme) => field(`look_accent_${theme}`, t(`look_accent_${theme}`), { value: look?.accent?.[theme] ?? "", placeholder: "#2456d6", pattern: "#[0-9a-fA-F]{6}", maxlength: "7" })),
      look?.logo ? el("p", {}, el("img", { src: look.logo, alt: t("logo_now"), height: "28" })) : null,
      field("look_logo", t("logo"), { type: "file", accept: "image/png,image/svg+xml" }),
      look?.logo ? el("p", { class: "choice" }, el("input", { type: "checkbox", id: "logo-gone", name: "logo_gone" }), el("label", { for: "logo-gone" }, t("logo_gone"))) : null),
  ];
}

const read = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

async function asked(form, one) {
  const value = (name) => form.elements[name]?.value.trim() ?? "";
  const both = (prefix, names) => Object.fromEntries(names.map((name) => [name, value(`${prefix}_${name}`)]).filter(([, text]) => text));
  const name = both("look_name", LOCALES);
  const file = form.elements.look_logo.files[0];
  const logo = file ? await read(file) : form.elements.logo_gone?.checked ? "" : one.look?.logo ?? "";
  const look = { name, accent: both("look_accent", THEMES), logo, welcome: both("look_welcome", LOCALES) };
  const support = { name: value("support_name"), email: value("support_email"), phone: value("support_phone"), url: value("support_url") };
  const factor = value("new_device_factor");
  const links = value("sign_in_links");
  const countries = value("text_countries").toUpperCase().split(/[\s,]+/).filter(Boolean);
  return {
    version: one.version,
    duplicate_login: value("duplicate_login") || null,
    new_device_factor: factor === "" ? null : factor === "true",
    recovery_wait_hours: value("recovery_wait_hours") === "" ? null : Number(value("recovery_wait_hours")),
    sign_in_links: links === "" ? null : links === "true",
    text_countries: countries.length ? countries : null,
    look: Object.keys(name).length || Object.keys(look.accent).length || Object.keys(look.welcome).length || logo ? look : null,
    support: Object.values(support).some(Boolean) ? support : null,
  };
}

async function show() {
  const one = await organisation(id);
  heading(one.name);
  const form = el("form", { id: "organisation", novalidate: true, onsubmit: (event) => { event.preventDefault(); save.click(); } },
    el("div", { class: "object" }, fields(one)));
  const save = act({
    label: t("save"),
    dangerous: false,
    ready: () => form.reportValidity(),
    happens: () => t("save_happens", { name: one.name }),
    done: () => t("save_done", { name: one.name }),
    run: async (why) => { await changeOrganisation(id, { why, ...(await asked(form, one)) }); await show(); shown.refresh(); },
  });
  form.append(el("div", { class: "acts" }, save));
  root.replaceChildren(el("p", { class: "acts above" }, el("a", { class: "button", href: `/organisations/${id}/authentication` }, t("authentication_link"))), facts([[t("time_zone"), one.time_zone], [t("id"), el("code", {}, one.id)]]), form, log);
}

try {
  await show();
  shown = list(log, {
    name: t("changes"),
    load: (query) => changes(id, query),
    key: (one) => one.id,
    empty: t("no_changes"),
    columns: [
      [t("at"), (one) => el("time", { datetime: one.at, title: ago(one.at) }, moment(one.at))],
      [t("what"), (one) => one.changed.map((name) => FIELDS[name] ?? name).join(", ") || "–"],
      [t("reason"), (one) => one.why],
      [t("by"), (one) => link(`/people/${one.user_id}`, one.display_name || t("unknown"))],
    ],
  });
} catch (error) {
  root.replaceChildren(refusal(error));
}
