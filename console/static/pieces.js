// A long text in pieces: one is shown and typed in at a time, and what was not touched is neither read again nor kept.

import { mark, rule, said } from "console/lines";

const LINES = 100;

export class Pieces {
  #base = [];
  #now = [];
  #rules = [];
  #sorted = null;

  constructor(text) {
    const lines = text.replace(/\n$/, "").split("\n");
    for (let at = 0; at < lines.length; at += LINES) this.#base.push(lines.slice(at, at + LINES).join("\n"));
    this.#now = [...this.#base];
  }

  get count() { return this.#now.length; }
  get lines() { return this.#now.reduce((sum, piece) => sum + size(piece), 0); }
  get text() { return `${this.#now.filter((piece) => piece !== "").join("\n")}\n`; }
  get changed() { return this.#now.some((piece, index) => piece !== this.#base[index]); }

  piece(index) { return this.#now[index]; }

  put(index, text) {
    if (this.#now[index] === text) return;
    this.#now[index] = text;
    this.#rules[index] = this.#sorted = null;
  }

  // The first line of a piece, from 0. A piece that was emptied has none.
  start(index) { return this.#now.slice(0, index).reduce((sum, piece) => sum + size(piece), 0); }

  // Where a line stands: in which piece, and which of its lines; both from 0.
  find(line) {
    let left = line;
    for (const [index, piece] of this.#now.entries()) {
      if (left < size(piece)) return { index, line: left };
      left -= size(piece);
    }
    return { index: this.#now.length - 1, line: 0 };
  }

  // Every rule with its place, in the order in which they are tried.
  get rules() {
    this.#sorted ??= this.#now.flatMap((_, index) => this.#of(index))
      .sort((one, other) => one.priority - other.priority || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0));
    return this.#sorted;
  }

  // The rules of a piece, in the order of their lines.
  #of(index) {
    return this.#rules[index] ??= this.#now[index].split("\n").flatMap((line, number) => {
      const found = rule(line);
      return found ? Object.assign(found, { index, line: number }) : [];
    });
  }

  // What was found in a rule or in a line, from 1, with both.
  placed(findings) {
    const [rules, lines] = ["rule", "line"].map((name) => new Map(findings.map((one) => [one[name], null])));
    let start = 1;
    for (const [index, piece] of this.#now.entries()) {
      for (const { id, line } of this.#of(index)) {
        if (rules.has(id)) rules.set(id, start + line);
        if (lines.has(start + line)) lines.set(start + line, id);
      }
      start += size(piece);
    }
    return findings.map((one) => ({ ...one, line: one.line ?? rules.get(one.rule) ?? 0, rule: one.rule || lines.get(one.line) || "" }));
  }

  // Where the line stands that is told from others by this mark.
  where(wanted) {
    for (const [index, piece] of this.#now.entries()) {
      const line = piece.split("\n").findIndex((one) => mark(one) === wanted);
      if (line >= 0) return { index, line };
    }
    return null;
  }

  // One line gives way to others: none takes it out.
  replace({ index, line }, ...by) {
    const lines = this.#now[index].split("\n");
    lines.splice(line, 1, ...by);
    this.put(index, lines.join("\n"));
  }

  // Before everything else, so that the links between roles stay at the end.
  add(line) {
    this.put(0, this.#now[0] ? `${line}\n${this.#now[0]}` : line);
    return { index: 0, line: 0 };
  }

  // What was typed and what it was typed over, as something that can be kept.
  get typed() {
    return this.#now.map((piece, index) => [index, this.#base[index], piece]).filter(([, base, piece]) => piece !== base);
  }

  // The same laid on this text; where others changed it meanwhile, line by line.
  take(typed) {
    if (typed.every(([index, base]) => this.#base[index] === base)) {
      for (const [index, , piece] of typed) this.put(index, piece);
      return;
    }
    const [base, mine] = [1, 2].map((which) => typed.map((one) => one[which]).join("\n"));
    this.become(laidOn(base, mine, this.text).text);
  }

  // Another text, in the same pieces as far as its lines go.
  become(text) {
    const fresh = new Pieces(text);
    this.#now.forEach((_, index) => this.put(index, fresh.count > index ? fresh.piece(index) : ""));
    const more = Array.from({ length: Math.max(0, fresh.count - this.count) }, (_, index) => fresh.piece(this.count + index));
    if (more.length) this.put(this.count - 1, [this.piece(this.count - 1), ...more].filter(Boolean).join("\n"));
  }
}

const size = (piece) => (piece === "" ? 0 : piece.split("\n").length);

const marked = (lines) => new Map(lines.map((line) => [mark(line), line]).filter(([key]) => key));
const byMark = (text) => marked(text.split("\n"));

// Of two texts the lines that only one of them has: of a hundred thousand few are read.
function apart(one, other) {
  const [mine, theirs] = [one, other].map((text) => text.split("\n"));
  const [have, has] = [mine, theirs].map((lines) => new Set(lines));
  return [mine.filter((line) => !has.has(line)), theirs.filter((line) => !have.has(line))];
}

// What stands otherwise in `after` than in `before`, line by line.
export const differences = (before, after) => told(...apart(before, after).map(marked));

function told(old, fresh) {
  const found = [];
  for (const [key, line] of old) {
    const now = fresh.get(key);
    if (now === undefined) found.push({ key, change: "removed", before: line });
    else if (now !== line && said(now) !== said(line)) found.push({ key, change: "changed", before: line, after: now });
  }
  for (const [key, line] of fresh) if (!old.has(key)) found.push({ key, change: "added", after: line });
  return found;
}

// The same, of a text in pieces that somebody types in: only pieces that changed since the last time are read again.
export class Compared {
  #before;
  #has;
  #seen = [];
  #only = [];
  #times = new Map();

  constructor(before) {
    this.#before = before.split("\n");
    this.#has = new Set(this.#before);
  }

  differences(pieces) {
    for (let index = 0; index < Math.max(pieces.count, this.#seen.length); index += 1) this.#read(index, pieces.piece(index) ?? "");
    return told(marked(this.#before.filter((line) => !this.#times.has(line))), new Map(this.#only.flatMap((lines) => [...lines])));
  }

  #read(index, piece) {
    const before = this.#seen[index];
    if (piece === before) return;
    const lines = piece.split("\n");
    for (const line of before?.split("\n") ?? []) this.#count(line, -1);
    for (const line of lines) this.#count(line, 1);
    this.#only[index] = marked(lines.filter((line) => !this.#has.has(line)));
    this.#seen[index] = piece;
  }

  #count(line, by) {
    const times = (this.#times.get(line) ?? 0) + by;
    if (times) this.#times.set(line, times);
    else this.#times.delete(line);
  }
}

// What was made of `base` here, laid on what others made of it; and what both of them changed.
export function laidOn(base, mine, theirs) {
  const lines = byMark(theirs);
  const others = new Set(differences(base, theirs).map(({ key }) => key));
  const both = [];
  for (const { key, change, after } of differences(base, mine)) {
    if (others.has(key) && (lines.get(key) === undefined || after === undefined || said(lines.get(key)) !== said(after))) both.push(key);
    if (change === "removed") lines.delete(key);
    else lines.set(key, after);
  }
  const sorted = [...lines.entries()].sort(([one], [other]) => other.startsWith("p ") - one.startsWith("p "));
  return { text: `${sorted.map(([, line]) => line).join("\n")}\n`, both };
}
