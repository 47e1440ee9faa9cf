// What the console says, in the language of its page.

const data = JSON.parse(document.getElementById("console-data").textContent);

export const { locale, codes, me } = data;

export function t(key, given = {}) {
  const text = data.texts[key];
  return text === undefined ? key : text.replace(/\{(\w+)\}/g, (whole, name) => given[name] ?? whole);
}

const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const spans = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const countries = new Intl.DisplayNames([locale], { type: "region" });
const STEPS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

export const moment = (iso) => (iso ? moments.format(new Date(iso)) : "");

export function ago(iso, now = Date.now()) {
  if (!iso) return "";
  const seconds = (new Date(iso) - now) / 1000;
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return spans.format(Math.round(seconds / length), unit);
}

export function place(code, network) {
  const name = code === "this machine" ? t("this_machine") : code === "local network" ? t("local_network")
    : /^[A-Z]{2}$/.test(code ?? "") ? countries.of(code) : t("unknown_place");
  return network ? `${name} · ${network}` : name;
}
