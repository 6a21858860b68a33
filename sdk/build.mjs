/**
 * Builds everything that the node serves, with names that stay:
 *
 *   dist/sdk/client.js, dist/sdk/widget.js   for store pages; each one file, one request
 *   dist/sdk/share.js                        loaded by the widget when a shopper shares a page
 *   dist/console/                            the agents' page
 *   dist/demo/                               the demo shop: plain HTML pages and one script
 */
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, runnerImport } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const quiet = { configFile: false, logLevel: "warn", root: here };
/** The oldest browsers with everything the pages use (`light-dark()`, adopted style sheets, `:has()`). */
const target = ["chrome123", "edge123", "firefox121", "safari17.5"];

await rm(dist, { recursive: true, force: true });

for (const name of ["client", "widget", "share"]) {
	await build({
		...quiet,
		build: {
			target,
			outDir: join(dist, "sdk"),
			emptyOutDir: false,
			sourcemap: true,
			lib: { entry: join(here, `src/${name}.ts`), formats: ["es"], fileName: () => `${name}.js` },
		},
	});
}

await build({
	...quiet,
	root: join(here, "src/console"),
	base: "/console/",
	oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
	build: { target, outDir: join(dist, "console"), emptyOutDir: false, assetsInlineLimit: 0 },
});

// The empty page that shared pages are built in: as it is, nothing may be added to it.
await cp(join(here, "src/view/stage.html"), join(dist, "console/stage.html"));

await build({
	...quiet,
	build: {
		target,
		outDir: join(dist, "demo"),
		emptyOutDir: false,
		lib: { entry: join(here, "demo/shop.ts"), formats: ["es"], fileName: () => "shop.js" },
	},
});
const { module: site } = await runnerImport(join(here, "demo/site.ts"), quiet);
for (const [path, html] of site.pages()) {
	await mkdir(dirname(join(dist, "demo", path)), { recursive: true });
	await writeFile(join(dist, "demo", path), html);
}
await cp(join(here, "demo/shop.css"), join(dist, "demo/shop.css"));
