// What a draft is made of: the parts of a version that are sent back when it is saved.

import { newDraft } from "console/policy";

export const KINDS = { published: "success", draft: "information", retired: "warning", withdrawn: "warning" };
// what is said of a version beside its contents
const BESIDE = ["version", "signature", "approvals", "shadow"];
// what has an editor of its own
const APART = ["rules", "tests", "assignments"];

export const whole = (document) => Object.fromEntries(Object.entries(document).filter(([name]) => !BESIDE.includes(name)));

// Everything that is written as JSON.
export const rest = (document) => Object.fromEntries(Object.entries(whole(document)).filter(([name]) => !APART.includes(name)));

// A new draft with what this version says; its number.
export const draftOf = async (document, why) => (await newDraft({ why, ...whole(document) })).version.number;
