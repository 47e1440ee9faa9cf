// A draft being written: its rules as a table or as lines, with what is wrong, what its tests say and what it changes
// beside them. Nothing typed is lost: not by a refusal, nor by somebody who saved meanwhile, nor by a session's end.

import { act, say } from "console/act";
import { refusal } from "console/api";
import { card, el, link } from "console/dom";
import { changeList } from "console/change_list";
import { PAUSE, checking, refuses } from "console/check";
import { Draft } from "console/editing";
import { whole } from "console/drafts";
import { heading, things } from "console/object";
import { Compared } from "console/pieces";
import { current, newDraft, saveDraft, version } from "console/policy";
import { ruleTable } from "console/rule_table";
import { ruleText } from "console/rule_text";
import { testList } from "console/test_list";
import { who } from "console/who";
import { ago, t } from "console/words";

const CHANGED_MEANWHILE = 412;
const MOST = 50;
const root = document.getElementById("view");
const number = root.dataset.named;

function editor(draft, published) {
  // session.js keeps the fields of a page for whoever has to sign in again; this one holds what was typed in all of it
  const kept = el("textarea", { id: "draft-kept", name: "kept", hidden: true, oninput: () => { if (!keeping && kept.value) { draft.take(kept.value); show(); } } });
  let keeping = false;

  const panes = { table: el("section", {}), text: el("section", {}), rest: el("section", {}) };
  const buttons = Object.keys(panes).map((name) => el("button", { type: "button", "aria-pressed": "false", "data-pane": name, onclick: () => turn(name) }, t(`pane_${name}`)));
  const table = ruleTable(panes.table, draft);
  const text = ruleText(panes.text, draft);
  const restArea = el("textarea", { class: "lines", id: "draft-rest", spellcheck: "false", wrap: "off", rows: 20, "aria-describedby": "check-state", oninput: () => { draft.rest = restArea.value; draft.changed(); } });
  panes.rest.append(el("label", { for: "draft-rest" }, t("rest_of_policy")), el("p", { class: "hint" }, t("rest_hint")), restArea);
  panes.table.append(el("div", { class: "acts" }, el("button", { type: "button", onclick: () => { turn("table"); table.add(); } }, t("add_rule"))));

  const state = el("p", { id: "draft-state", role: "status", class: "muted" });
  const meanwhile = el("div", { tabindex: "-1" });
  const checkState = el("p", { id: "check-state", role: "status", class: "muted" });
  const findings = el("div", {});
  const check = el("button", { type: "button", onclick: () => checks.now() }, t("check_now"));
  const tests = el("div", {});
  const testState = el("p", { role: "status", class: "muted" });
  const testing = testList(tests, draft);
  const changesTitle = el("p", { role: "status", class: "muted" });
  const changes = el("div", { tabindex: "-1", role: "group", "aria-label": t("changes_of_draft") });

  function turn(name) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.pane === name));
    for (const [pane, section] of Object.entries(panes)) section.hidden = pane !== name;
    if (name === "table") table.refresh();
    if (name === "text") text.refresh();
  }

  function showFindings(how) {
    const wrong = draft.findings.filter(refuses).length;
    const words = { asking: t("checking"), old: t("check_old"), failed: t("check_failed") }[how]
      ?? (draft.findings.length ? t("check_found", { wrong, warned: draft.findings.length - wrong }) : t("check_clean"));
    if (checkState.textContent !== words) checkState.textContent = words;
    if (how !== "known" && how !== "failed") return;
    findings.replaceChildren(...(draft.error ? [refusal(draft.error)] : []), things(draft.findings.slice(0, MOST), draft.error ? "" : t("check_clean"), finding),
      draft.findings.length > MOST ? el("p", { class: "muted" }, t("and_more", { count: draft.findings.length - MOST })) : "");
    testing.refresh();
    const { passed, failed } = draft.results ?? {};
    testState.textContent = draft.results ? t("tests_said", { passed, failed }) : draft.tests.length ? t("tests_wait") : "";
    text.number();
    if (!panes.table.hidden) table.refresh();
    draft.dispatchEvent(new Event("checked"));
  }

  const finding = (one) => [
    el("span", { class: refuses(one) ? "wrong" : "warned" }, one.line || one.rule ? "" : `${t(refuses(one) ? "fault" : "warning")}: `),
    one.line ? el("button", { type: "button", class: "quiet", onclick: () => { turn("text"); text.go(one.line); } }, t("line_number", { line: one.line })) : "",
    one.rule ? el("code", {}, one.rule) : "", " ", el("span", { class: refuses(one) ? "wrong" : "warned" }, one.message),
  ];

  // Of a long draft after a pause in typing, of a short one at once.
  function showChanges() {
    clearTimeout(comparing);
    const found = compared?.differences(draft.rules) ?? [];
    changesTitle.textContent = found.length ? t("changes_count", { count: found.length }) : "";
    changes.replaceChildren(...changeList(found, t("changes_none"), (one) => { undo(one); changes.focus(); }));
  }

  function keep() {
    state.textContent = t(draft.dirty ? "draft_not_saved" : "draft_saved", { when: ago(draft.document.version.created_at) });
    keeping = true;
    kept.value = draft.kept;
    kept.dispatchEvent(new Event("input", { bubbles: true }));
    keeping = false;
  }

  function undo({ change, key, before }) {
    const place = draft.rules.where(key);
    if (change === "removed") draft.rules.add(before);
    else draft.rules.replace(place, ...(change === "added" ? [] : [before]));
    show();
    draft.changed();
  }

  function show() {
    if (!panes.table.hidden) table.refresh();
    text.refresh();
    testing.refresh();
    if (restArea.value !== draft.rest) restArea.value = draft.rest;
  }

  function readable() {
    if (draft.readable) return true;
    turn("rest");
    restArea.focus();
    say("warning", t("rest_unreadable"));
    return false;
  }

  async function save(why) {
    try {
      await saveDraft(number, { why, ...draft.body }, draft.etag);
      await saved();
    } catch (error) {
      if (error.status !== CHANGED_MEANWHILE) throw error;
      await tellMeanwhile();
      return false;
    }
    return true;
  }

  // What the server made of it: in its order, with its mark.
  async function saved() {
    const { said, etag } = await version(number);
    draft.load(said, etag);
    meanwhile.replaceChildren();
    show();
    draft.changed();
  }

  async function tellMeanwhile() {
    const { said: theirs, etag } = await version(number);
    const { author, why, created_at: at } = theirs.version;
    meanwhile.replaceChildren(el("div", { class: "notice warning", role: "alert" },
      el("strong", {}, t("saved_meanwhile")), " ", who(theirs.version.saved_by ?? author), ` · ${ago(theirs.version.saved_at ?? at)} · ${theirs.version.saved_why ?? why}`,
      el("p", {}, t("saved_meanwhile_means")),
      el("div", { class: "acts" },
        el("button", { type: "button", class: "primary", onclick: () => {
          const both = draft.layOn(theirs, etag).map((one) => one.replace(/^p /, ""));
          meanwhile.replaceChildren();
          show();
          say(both.length ? "warning" : "success", both.length ? t("laid_on_both", { names: both.join(", ") }) : t("laid_on"));
          buttons[0].focus();
        } }, t("lay_on")),
        act({
          label: t("save_apart"),
          dangerous: false,
          happens: () => t("save_apart_happens"),
          done: () => t("new_draft_done"),
          run: async (reason) => {
            const made = await newDraft({ why: reason, ...draft.body });
            leaving = true;
            location.assign(`/policy/${made.version.number}/edit`);
          },
        }))));
    meanwhile.focus();
  }

  const checks = checking(draft, showFindings);
  let leaving = false;
  const compared = published ? new Compared(published) : null;
  let comparing;
  draft.addEventListener("changed", () => {
    keep();
    clearTimeout(comparing);
    if (checks.live()) showChanges();
    else comparing = setTimeout(showChanges, PAUSE);
  });
  addEventListener("beforeunload", (event) => { if (draft.dirty && !leaving) event.preventDefault(); });

  root.replaceChildren(
    el("form", { id: "draft", hidden: true }, kept),
    el("div", { class: "acts above" },
      act({ label: t("save"), dangerous: false, ready: readable, happens: () => t("save_draft_happens", { number }), done: () => t("save_draft_done", { number }), run: save }),
      el("a", { class: "button", href: `/policy/${number}` }, t("to_the_release")), state, checkState),
    meanwhile,
    el("div", { class: "editor" },
      el("div", {}, el("div", { class: "panes", role: "group", "aria-label": t("view_as") }, buttons), ...Object.values(panes)),
      el("div", { class: "object beside" },
        card(t("check"), findings, el("div", { class: "acts" }, check)),
        card(t("tests"), testState, tests),
        card(t("changes_of_draft"), changesTitle, changes))));
  turn("table");
  show();
  keep();
  showChanges();
  checks.now();
}

root.append(el("progress", { "aria-busy": "true", "aria-label": t("working") }));
try {
  const [{ said, etag }, published] = await Promise.all([version(number), current().then((one) => one.rules, () => "")]);
  heading(t("draft_number", { number }));
  if (said.version.state === "draft") editor(new Draft(said, etag), published);
  else {
    root.replaceChildren(el("div", { class: "object" }, card(t("not_a_draft"), el("p", {}, t("not_a_draft_means")), el("div", { class: "acts" }, act({
      label: t("edit_as_draft"),
      dangerous: false,
      happens: () => t("edit_as_draft_happens", { number }),
      done: () => t("new_draft_done"),
      run: async (why) => location.assign(`/policy/${(await newDraft({ why, ...whole(said) })).version.number}/edit`),
    }), link(`/policy/${number}`, t("to_the_release"))))));
  }
} catch (error) {
  root.replaceChildren(el("div", { class: "object" }, refusal(error)));
}
