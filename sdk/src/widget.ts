/** `@tillside/sdk/widget`: loading it defines `<tillside-help>`. */
import { TillsideHelp } from "./widget/help_element";

export type { Strings } from "./widget/strings";
export type { TokenAnswer, TokenProvider, TokenRequest } from "./widget/token";
export { TillsideHelp };

if (customElements.get("tillside-help") === undefined) customElements.define("tillside-help", TillsideHelp);
