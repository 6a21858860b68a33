/** What the console says about a shared page: why there is none, what control means, why it ended. */
import type { IconName } from "../design/icons";
import type { ControlWhy, Rung, ShareWhy } from "../protocol";

interface Words {
	icon: IconName;
	title: string;
	text: string;
}

/** Why a page is not shown just now, by the share's `why`. */
const PAUSES: Record<ShareWhy, Words> = {
	shopper: { icon: "pause", title: "Paused by the customer", text: "The page comes back when they go on." },
	hidden: { icon: "eye", title: "The customer looks at something else", text: "Their tab is in the background." },
	page: {
		icon: "lock",
		title: "This page is never shown",
		text: "The store keeps it to the customer. Stay on the line.",
	},
	too_large: {
		icon: "warn",
		title: "This page is too large to be shown",
		text: "The next page of the store can be shown again.",
	},
	sharer_left: {
		icon: "clock",
		title: "The page is gone for a moment",
		text: "It may be loading another one. Hold on…",
	},
	call_ended: { icon: "check", title: "The call ended", text: "Nothing of the page was kept." },
	declined: { icon: "close", title: "The customer said no", text: "You can go on talking." },
	withdrawn: { icon: "close", title: "The question was taken back", text: "You can ask again." },
	unfollowable: {
		icon: "warn",
		title: "This page cannot be shown",
		text: "It changes in ways that cannot be followed safely.",
	},
};

export function pauseWords(why: string | undefined): Words {
	const known = why !== undefined && Object.hasOwn(PAUSES, why) ? PAUSES[why as ShareWhy] : undefined;
	return known ?? { icon: "pause", title: "Paused", text: "The page comes back when the customer goes on." };
}

/** What a share's end is called in passing. */
export function endWords(name: string, why: ShareWhy | undefined): string {
	switch (why) {
		case "declined":
			return `${name} would rather not share the page.`;
		case "withdrawn":
			return "You took your question back.";
		case "unfollowable":
			return `${name}’s page cannot be followed safely, so it is not shown any more.`;
		default:
			return `${name} no longer shares the page. Nothing of it was kept.`;
	}
}

/** The rungs of the ladder, as a person chooses among them. */
export const RUNG_WORDS: Record<Rung, { name: string; text: string }> = {
	point: { name: "Point", text: "Show your pointer, mark and draw" },
	click: { name: "Click and scroll", text: "Also press buttons and scroll the page" },
	type: { name: "Type", text: "Also fill in fields that are shown to you" },
	navigate: { name: "Navigate", text: "Also follow links, go back, load again" },
};

/** Why control is over. */
export function controlEndWords(name: string, why: ControlWhy | undefined): string {
	switch (why) {
		case "revoked":
			return `${name} took control back.`;
		case "released":
			return "You gave control back.";
		case "expired":
			return "Your time in control is over. You can ask again.";
		case "new_origin":
			return `${name} went to another site, so control ended.`;
		case "payment_page":
			return "There are payment fields here: you can point, and nothing else.";
		case "paused":
			return `${name}’s page is not shown for a moment, so control ended. You can ask again.`;
		case "replaced":
			return "Somebody else has control now.";
		default:
			return "Control ended.";
	}
}
