import { Dialog } from "./parts";

const SHORTCUTS: [key: string, what: string][] = [
	["T", "Take the call that waits longest"],
	["M", "Microphone on or off"],
	["V", "Camera on or off"],
	["S", "Share your screen, or stop"],
	["W", "Ask to see the customer’s page"],
	["1–5", "On that page: look, point, highlight, draw, click and type"],
	["C", "Chat"],
	["P", "People"],
	["I", "Connection"],
	["D", "Devices"],
	["?", "This list"],
];

export function ShortcutDialog({ onClose }: { onClose: () => void }) {
	return (
		<Dialog title="Keyboard" testId="shortcuts" onClose={onClose}>
			<dl class="shortcuts">
				{SHORTCUTS.map(([key, what]) => (
					<div key={key}>
						<dt>
							<kbd>{key}</kbd>
						</dt>
						<dd>{what}</dd>
					</div>
				))}
			</dl>
		</Dialog>
	);
}
