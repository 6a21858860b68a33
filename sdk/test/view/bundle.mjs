/** Bundles the view for tests in real browsers into the folder that is given: `view.js`, `index.html` and `stage.html`. */
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const folder = process.argv[2];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await build({
	configFile: false,
	logLevel: "warn",
	build: {
		target: ["chrome123", "firefox121"],
		outDir: folder,
		emptyOutDir: true,
		lib: { entry: here("entry.ts"), formats: ["es"], fileName: () => "view.js" },
	},
});
await cp(here("../../src/view/stage.html"), join(folder, "stage.html"));
await writeFile(
	join(folder, "index.html"),
	'<!doctype html><meta charset="utf-8"><title>View</title><script type="module" src="/view.js"></script>',
);
