/** `dist/sdk/share.js`: loaded by the widget when a shopper shares a page, and not before. */
export { type Control, PageShare, type PageShareOptions } from "./share/page_share";
