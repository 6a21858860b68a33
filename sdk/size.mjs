/** Fails when what a store's page loads grows past its budget. Run after `npm run build`. */
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** In bytes, gzipped. The widget holds the client: it is all that a page with the help button loads. */
const BUDGETS = { "dist/sdk/client.js": 16_000, "dist/sdk/widget.js": 30_000, "dist/sdk/share.js": 60_000 };

for (const [file, budget] of Object.entries(BUDGETS)) {
	const size = gzipSync(await readFile(new URL(file, import.meta.url)), { level: 9 }).length;
	const isFine = size <= budget;
	process.stdout.write(`${isFine ? "ok  " : "OVER"} ${file}: ${size} of ${budget} bytes gzipped\n`);
	if (!isFine) process.exitCode = 1;
}
