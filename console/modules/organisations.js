// The organisations of the reader's.

import { link } from "console/dom";
import { organisations } from "console/identity";
import { list } from "console/list";
import { word } from "console/object";
import { t } from "console/words";

list(document.getElementById("view"), {
  name: t("organisations"),
  load: organisations,
  key: (one) => one.id,
  columns: [
    [t("organisation"), (one) => link(`/organisations/${one.id}`, one.name)],
    [t("duplicate_login"), (one) => word("duplicate", one.duplicate_login ?? "settings")],
    [t("support"), (one) => one.support?.name || t("as_settings")],
    [t("time_zone"), (one) => one.time_zone],
  ],
});
