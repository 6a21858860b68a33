/** The console: sign in, see who waits, take a call. Owns which of these is on screen. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { TillsideClient } from "../client/client";
import { DeskClient, type DeskRoomSince } from "../client/desk";
import { TillsideError } from "../client/error";
import type { TokenSource } from "../client/session";
import { devToken } from "../dev_token";
import { CallScreen } from "./call_screen";
import { DeskPanel } from "./desk_panel";
import { DeviceDialog } from "./device_dialog";
import { useEvent, useEvents, useShortcuts } from "./hooks";
import { Empty, Icon, IconButton } from "./parts";
import { ShortcutDialog } from "./shortcut_dialog";

type SignIn =
	| { state: "trying" }
	| { state: "failed"; error: TillsideError }
	| { state: "done"; desk: DeskClient; token: TokenSource };

/** In dev mode: `/console/?name=Ada` for a second agent. */
function agentName(): string {
	return new URLSearchParams(location.search).get("name") || "Robin";
}

export function App() {
	const [signIn, setSignIn] = useState<SignIn>({ state: "trying" });
	const enter = useCallback((token: TokenSource) => {
		const desk = new DeskClient({ token });
		desk.connect();
		setSignIn({ state: "done", desk, token });
	}, []);
	const tryDev = useCallback(() => {
		setSignIn({ state: "trying" });
		devToken("agent", agentName()).then(
			(token) => {
				let first: string | undefined = token;
				enter(async () => {
					const fresh = first ?? (await devToken("agent", agentName()));
					first = undefined;
					return fresh;
				});
			},
			(error: TillsideError) => setSignIn({ state: "failed", error }),
		);
	}, [enter]);
	useEffect(tryDev, [tryDev]);

	switch (signIn.state) {
		case "trying":
			return (
				<main class="alone" aria-busy="true">
					<Empty icon="headset" title="Opening the desk…" testId="signing-in" />
				</main>
			);
		case "failed":
			return <SignInForm error={signIn.error} onRetry={tryDev} onToken={enter} />;
		case "done":
			return <Console desk={signIn.desk} token={signIn.token} onSignOut={tryDev} />;
	}
}

interface SignInFormProps {
	error: TillsideError;
	onRetry: () => void;
	onToken: (token: string) => void;
}

function SignInForm({ error, onRetry, onToken }: SignInFormProps) {
	const [token, setToken] = useState("");
	return (
		<main class="alone">
			<Empty icon="lock" title="Sign in to the desk" testId="sign-in">
				<p role="alert">{error.message}</p>
				<form
					class="sign-in"
					onSubmit={(event) => {
						event.preventDefault();
						onToken(token.trim());
					}}
				>
					<label>
						Agent token
						<input
							type="password"
							autocomplete="off"
							required
							value={token}
							onInput={(event) => setToken(event.currentTarget.value)}
							data-testid="token"
						/>
					</label>
					<div class="actions">
						<button type="submit" class="button primary">
							Sign in
						</button>
						<button type="button" class="button" onClick={onRetry}>
							Try again
						</button>
					</div>
				</form>
			</Empty>
		</main>
	);
}

interface ConsoleProps {
	desk: DeskClient;
	token: TokenSource;
	onSignOut: () => void;
}

function Console({ desk, token, onSignOut }: ConsoleProps) {
	const [deskState, setDeskState] = useState<string>("connecting");
	const [call, setCall] = useState<{ client: TillsideClient; room: string }>();
	const [dialog, setDialog] = useState<"devices" | "shortcuts">();
	const [end, setEnd] = useState<TillsideError>();
	useEvents(desk, "rooms", "state");
	useEvent(desk, "state", setDeskState);
	useEvent(desk, "ended", ({ error, reason }) =>
		setEnd(error ?? new TillsideError("unreachable", `The desk closed (${reason}). Open it again.`, true)),
	);

	const waiting = desk.rooms.filter(({ agents }) => agents.length === 0);
	useEffect(() => {
		document.title = waiting.length > 0 ? `(${waiting.length}) Tillside desk` : "Tillside desk";
	}, [waiting.length]);

	const take = (room: DeskRoomSince) => {
		if (call !== undefined && call.client.state !== "ended") return;
		const client = new TillsideClient({ token, room: room.room });
		setCall({ client, room: room.room });
		window.tillside = { client };
		void startCall(client);
	};
	useShortcuts({
		t: () => waiting[0] && take(waiting[0]),
		d: () => setDialog("devices"),
		"?": () => setDialog("shortcuts"),
	});

	if (end !== undefined) {
		return (
			<main class="alone">
				<Empty icon="warn" tone="warn" title="The desk is closed" testId="desk-ended">
					<p role="alert">{end.message}</p>
					<button type="button" class="button primary" onClick={onSignOut}>
						Open the desk again
					</button>
				</Empty>
			</main>
		);
	}
	return (
		<div class={`console ${call === undefined ? "" : "in-call"}`}>
			<header class="bar">
				<b class="brand">
					<Icon name="headset" /> Tillside <span>desk</span>
				</b>
				<ConnectionChip state={deskState} />
				{waiting.length > 0 && <span class="waiting-count">{waiting.length} waiting</span>}
				<span class="who">{desk.you?.name || agentName()}</span>
				<IconButton
					icon="gear"
					label="Devices"
					shortcut="d"
					testId="open-devices"
					onClick={() => setDialog("devices")}
				/>
			</header>
			<DeskPanel rooms={desk.rooms} isLoading={deskState === "connecting"} current={call?.room} onTake={take} />
			<main class="work">
				{call === undefined ? (
					<Empty icon="headset" title={waiting.length > 0 ? "Somebody is waiting" : "Nobody is waiting"} testId="idle">
						<p>
							{waiting.length > 0 ? "Take the call from the list" : "New shoppers appear in the list"}
							<span class="keys">
								, or press <kbd>T</kbd> to take {waiting.length > 0 ? "it" : "the next one"}
							</span>
							.
						</p>
					</Empty>
				) : (
					<CallScreen key={call.client} client={call.client} onDone={() => setCall(undefined)} />
				)}
			</main>
			{dialog === "devices" && <DeviceDialog client={call?.client} onClose={() => setDialog(undefined)} />}
			{dialog === "shortcuts" && <ShortcutDialog onClose={() => setDialog(undefined)} />}
		</div>
	);
}

function ConnectionChip({ state }: { state: string }) {
	const words: Record<string, string> = { connecting: "Connecting…", open: "Online", reconnecting: "Reconnecting…" };
	return (
		<span class={`chip ${state}`} role="status" data-testid="desk-state">
			<i /> {words[state] ?? "Offline"}
		</span>
	);
}

/** Devices and room open side by side: whichever is ready first does not wait for the other. */
async function startCall(client: TillsideClient): Promise<void> {
	// An agent who closes the page is gone: nobody should look at a frozen picture until the node notices.
	const leave = () => client.leave();
	addEventListener("pagehide", leave);
	client.on("ended", () => removeEventListener("pagehide", leave));
	const joined = client.join();
	await client.media.startBoth().catch(() => client.media.set("microphone", true).catch(() => {}));
	await joined.catch(() => {
		// The screen shows why from the client's `ended` event.
	});
}

declare global {
	interface Window {
		/** For tests and support; see the README. */
		tillside?: { client: TillsideClient };
	}
}
