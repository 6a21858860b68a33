/** What people write to each other. Kept for as long as the call is on screen, and nowhere else. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import { CHAT_BYTES_MAX } from "../protocol";
import { IconButton } from "./parts";
import { SidePanel } from "./side_panel";

export interface ChatLine {
	key: number;
	author: string;
	text: string;
	isOwn: boolean;
}

interface ChatPanelProps {
	client: TillsideClient;
	lines: ChatLine[];
	onSent: (text: string) => void;
	onClose: () => void;
}

export function ChatPanel({ client, lines, onSent, onClose }: ChatPanelProps) {
	const [text, setText] = useState("");
	const [problem, setProblem] = useState<string>();
	const log = useRef<HTMLDivElement>(null);
	const input = useRef<HTMLInputElement>(null);
	useEffect(() => input.current?.focus(), []);
	useEffect(() => log.current?.scrollTo({ top: log.current.scrollHeight }), [lines.length]);
	const send = () => {
		const trimmed = text.trim();
		if (trimmed === "") return;
		if (new TextEncoder().encode(trimmed).length > CHAT_BYTES_MAX) return setProblem("Too long. Send it in two parts.");
		if (!client.chat(trimmed)) return setProblem("Not sent: the connection is away. Try again in a moment.");
		onSent(trimmed);
		setText("");
		setProblem(undefined);
	};
	return (
		<SidePanel title="Chat" testId="chat" onClose={onClose}>
			<div class="log" ref={log} role="log" aria-label="Messages" tabindex={0} data-testid="chat-log">
				{lines.length === 0 && <p class="soft">No messages yet. Links and numbers are easier to read than to hear.</p>}
				{lines.map(({ key, author, text: words, isOwn }) => (
					<p key={key} class={`bubble ${isOwn ? "own" : ""}`}>
						{!isOwn && <small>{author}</small>}
						{words}
					</p>
				))}
			</div>
			{problem !== undefined && (
				<p class="notice warn" role="alert">
					{problem}
				</p>
			)}
			<form
				class="compose"
				onSubmit={(event) => {
					event.preventDefault();
					send();
				}}
			>
				<input
					ref={input}
					type="text"
					autocomplete="off"
					aria-label="Write a message"
					placeholder="Write a message"
					value={text}
					onInput={(event) => setText(event.currentTarget.value)}
					data-testid="chat-input"
				/>
				<IconButton icon="send" label="Send" testId="chat-send" onClick={send} />
			</form>
		</SidePanel>
	);
}
