import type { ErrorCode, ErrorMessage, Source } from "../protocol";

/** Stable names of what can go wrong: the node's own, and those that only a browser can meet. */
export type FailureCode =
	| ErrorCode
	/** The person, or a policy of the browser, did not allow the device. */
	| "permission_denied"
	/** There is no such device. */
	| "no_device"
	/** Another program, or another tab, holds the device. */
	| "device_in_use"
	/** The device was there but could not be started. */
	| "device_failed"
	/** Devices only open on https pages and on localhost. */
	| "insecure_context"
	/** The browser lacks what this needs. */
	| "unsupported"
	/** The node does not answer. */
	| "unreachable"
	/** The page's token source gave no token. */
	| "token_unavailable"
	/** The node's answer could not be used. */
	| "bad_answer";

/** What the SDK throws and reports: a code for programs and a sentence with a way out for people. */
export class TillsideError extends Error {
	override readonly name = "TillsideError";
	readonly code: FailureCode;
	/** Whether trying the same again may work. */
	readonly retryable: boolean;

	constructor(code: FailureCode, message: string, retryable: boolean, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
		this.retryable = retryable;
	}

	/** The node's own words. */
	static fromNode(error: ErrorMessage): TillsideError {
		return new TillsideError(error.code, error.message, error.retryable);
	}
}

const DEVICE_NAMES: Record<Source, string> = { microphone: "microphone", camera: "camera", screen: "screen" };

/** Explains why a device did not open (the exceptions of Media Capture and Streams §10.3 and Screen Capture §5). */
export function deviceError(source: Source, cause: unknown): TillsideError {
	const device = DEVICE_NAMES[source];
	switch (cause instanceof DOMException ? cause.name : "") {
		case "NotAllowedError":
			return source === "screen"
				? new TillsideError(
						"permission_denied",
						"The screen is not being shared. Choose a tab or window to share it.",
						true,
					)
				: new TillsideError(
						"permission_denied",
						`The browser does not let this page use the ${device}. Allow it next to the page's address, then try again.`,
						true,
					);
		case "SecurityError":
			return new TillsideError("permission_denied", `This page is not allowed to use the ${device}.`, false, cause);
		case "NotFoundError":
		case "OverconstrainedError":
			return new TillsideError("no_device", `No ${device} was found. Plug one in, or go on without it.`, true);
		case "NotReadableError":
		case "AbortError":
			return new TillsideError(
				"device_in_use",
				`The ${device} is busy. Close other programs or tabs that use it, then try again.`,
				true,
			);
		case "InvalidStateError":
			return new TillsideError("device_failed", `The ${device} did not start. Click again on the page to retry.`, true);
		default:
			return new TillsideError(
				"device_failed",
				`The ${device} did not start. Try again, or go on without it.`,
				true,
				cause,
			);
	}
}
