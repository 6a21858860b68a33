import { defineConfig } from "vitest/config";

export default defineConfig({
	oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
	// The node's golden messages lie beside the SDK.
	server: { fs: { allow: [".."] } },
	test: {
		environment: "happy-dom",
		include: ["test/**/*.test.{ts,tsx}"],
		restoreMocks: true,
		// The largest records take seconds where other work runs beside the tests.
		testTimeout: 30_000,
	},
});
