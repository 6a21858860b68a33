/**
 * How hidden parts of the page look: drawn by the browser in the page itself, so that they move with it. The page's own
 * styles do not reach them: important rules of the first layer win over all later ones.
 */
import type { Level } from "./events";

export const LEVEL_MARK = "data-tillside-level";
/** What stands for anything hidden, as the relay writes it. */
export const GLYPHS = "••••••";

/** What a hidden part is called, for eyes and screen readers. */
export const LABELS: Record<Level, string> = {
	masked: "Hidden from you",
	blocked: "Not shared with you",
	payment: "Only the customer sees this",
};

/** Small, in the middle, in grey: a padlock. */
const LOCK =
	'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#46585a" stroke-width="2"><path d="M6 11h12v9H6z" fill="#46585a"/><path d="M8.5 11V8a3.5 3.5 0 0 1 7 0v3"/></svg>';

/** The rules, to be adopted by every document and shadow root of the view. */
export function marksCss(lockUrl: string): string {
	const closed = `[${LEVEL_MARK}="payment"],[${LEVEL_MARK}="blocked"]`;
	return `@layer tillside{
:is(${closed}){
background:url("${lockUrl}") 8px 50%/15px 15px no-repeat,repeating-linear-gradient(-45deg,#e4ebe9 0 7px,#d8e1df 7px 14px)!important;
box-shadow:inset 0 0 0 1px #9fb1ae!important;border-radius:6px!important;color:transparent!important;
text-indent:27px!important;text-shadow:none!important;filter:none!important;opacity:1!important;
min-block-size:1.6em!important;min-inline-size:30px!important;appearance:none!important;overflow:hidden!important}
:is(${closed}):not(input,textarea,select,button,img,iframe,video,canvas,svg,tr,td,th,tbody,html,body){display:block!important}
:is(${closed})::placeholder{color:#3b4d4f!important;opacity:1!important;font:500 12px/1.6 system-ui,sans-serif!important;text-overflow:ellipsis!important}
:is(${closed})::after{content:"${LABELS.payment}"!important;display:block!important;position:static!important;color:#3b4d4f!important;
font:500 12px/1.6 system-ui,sans-serif!important;letter-spacing:0!important;text-transform:none!important;white-space:nowrap!important;
padding:4px 8px 4px 0!important;opacity:1!important;visibility:visible!important;background:none!important;transform:none!important}
:is([${LEVEL_MARK}="blocked"])::after{content:"${LABELS.blocked}"!important}
:is(${closed})::before{content:none!important}
[${LEVEL_MARK}="masked"]:is(input,textarea,select){background-image:linear-gradient(#3b8f8014,#3b8f8014)!important}
}`;
}

export function lockPicture(): Blob {
	return new Blob([LOCK], { type: "image/svg+xml" });
}
