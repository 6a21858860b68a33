/** The agents' page. */
import "../design/tokens.css";
import "../design/parts.css";
import "./console.css";
import { render } from "preact";
import { App } from "./app";

const root = document.querySelector("#console");
if (root !== null) render(<App />, root);
