// What a draft is made of: the parts of a version that are sent back when it is saved.

import { newDraft } from "console/policy";

export const KINDS = { published: "success", draft: "information", retired: "warning" };
const PARTS = ["roles", "zones", "organisations", "resources", "bands", "flows", "elevations"];

// Everything beside rules and tests, as far as this version has it.
export const rest = (document) => Object.fromEntries(PARTS.filter((name) => document[name] !== undefined).map((name) => [name, document[name]]));

export const whole = (document) => ({
  rules: document.rules,
  ...rest(document),
  ...(document.tests === undefined ? {} : { tests: document.tests }),
});

// A new draft with what this version says; its number.
export const draftOf = async (document, why) => (await newDraft({ why, ...whole(document) })).version.number;
