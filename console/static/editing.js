// A draft as it is edited: its rules in pieces, everything else as JSON, its tests; what was typed is never only here.

import { rest } from "console/drafts";
import { Pieces, laidOn } from "console/pieces";

const SPACES = 2;
const pretty = (value) => JSON.stringify(value, null, SPACES);

export class Draft extends EventTarget {
  constructor(document, etag) {
    super();
    this.load(document, etag);
  }

  load(document, etag) {
    this.document = document;
    this.etag = etag;
    this.rules = new Pieces(document.rules);
    this.rest = this.restBefore = pretty(rest(document));
    this.tests = document.tests;
    this.findings = [];
    this.results = null;
  }

  changed() { this.dispatchEvent(new Event("changed")); }

  get dirty() { return this.rules.changed || this.rest !== this.restBefore || pretty(this.tests) !== pretty(this.document.tests); }

  // What is sent; throws SyntaxError where the rest is no JSON.
  get body() { return { rules: this.rules.text, ...JSON.parse(this.rest), tests: this.tests }; }

  get readable() {
    try {
      return Boolean(this.body);
    } catch {
      return false;
    }
  }

  get kept() {
    return this.dirty ? JSON.stringify({
      rules: this.rules.typed,
      rest: this.rest === this.restBefore ? null : this.rest,
      tests: pretty(this.tests) === pretty(this.document.tests) ? null : this.tests,
    }) : "";
  }

  take(kept) {
    const { rules, rest: other, tests } = JSON.parse(kept);
    this.rules.take(rules);
    this.rest = other ?? this.rest;
    this.tests = tests ?? this.tests;
    this.changed();
  }

  // Mine on top of what somebody else saved; the marks of what both of us changed (`rest` and `tests` as wholes).
  layOn(theirs, etag) {
    const before = this.document;
    const { text, both } = laidOn(before.rules, this.rules.text, theirs.rules);
    const mine = { rest: this.rest, tests: this.tests };
    const was = { rest: this.restBefore, tests: before.tests };
    this.load(theirs, etag);
    this.rules.become(text);
    for (const part of ["rest", "tests"]) {
      if (pretty(mine[part]) === pretty(was[part])) continue;
      if (pretty(this[part]) !== pretty(was[part])) both.push(part);
      this[part] = mine[part];
    }
    this.changed();
    return both;
  }
}
