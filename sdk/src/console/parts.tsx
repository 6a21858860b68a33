/** Small pieces that every part of the console uses. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ICONS, type IconName } from "../design/icons";

export function Icon({ name }: { name: IconName }) {
	return (
		<svg viewBox="0 0 24 24" aria-hidden="true">
			{ICONS[name].map((data) => (
				<path key={data} d={data} />
			))}
		</svg>
	);
}

interface IconButtonProps {
	icon: IconName;
	label: string;
	testId: string;
	onClick: () => void;
	/** A toggle's state; undefined for a plain button. */
	pressed?: boolean | undefined;
	/** A key that does the same. */
	shortcut?: string;
	class?: string;
}

export function IconButton({ icon, label, testId, onClick, pressed, shortcut, class: extra = "" }: IconButtonProps) {
	const title = shortcut === undefined ? label : `${label} (${shortcut.toUpperCase()})`;
	return (
		<button
			type="button"
			class={`icon-button ${extra}`}
			aria-label={label}
			aria-pressed={pressed}
			aria-keyshortcuts={shortcut}
			title={title}
			data-testid={testId}
			onClick={onClick}
		>
			<Icon name={icon} />
		</button>
	);
}

interface EmptyProps {
	icon: IconName;
	title: string;
	children?: ComponentChildren;
	tone?: "calm" | "warn";
	/** Screen readers hear of it as soon as it is there. */
	role?: "status";
	testId?: string;
}

/** What stands where there is nothing, or something went wrong: an icon, words, and ways on. */
export function Empty({ icon, title, children, tone = "calm", role, testId }: EmptyProps) {
	return (
		<div class={`empty ${tone}`} role={role} data-testid={testId}>
			<span class="badge">
				<Icon name={icon} />
			</span>
			<h2>{title}</h2>
			{children}
		</div>
	);
}

interface DialogProps {
	title: string;
	testId: string;
	onClose: () => void;
	children: ComponentChildren;
}

/** A modal dialog: the browser keeps the focus in it, and Esc closes it. */
export function Dialog({ title, testId, onClose, children }: DialogProps) {
	const dialog = useRef<HTMLDialogElement>(null);
	useEffect(() => dialog.current?.showModal(), []);
	return (
		<dialog ref={dialog} aria-label={title} data-testid={testId} onClose={onClose}>
			<header>
				<h2>{title}</h2>
				<IconButton icon="close" label="Close" testId={`${testId}-close`} onClick={() => dialog.current?.close()} />
			</header>
			{children}
		</dialog>
	);
}

/** Minutes and seconds, or hours, minutes and seconds. */
export function duration(seconds: number): string {
	const whole = Math.max(0, Math.floor(seconds));
	const two = (value: number) => String(value).padStart(2, "0");
	const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
	return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Five bars for a connection's score from 1 to 5; nothing for a score not known. */
export function QualityBars({ score, name }: { score: number | undefined; name: string }) {
	if (score === undefined) return null;
	const words = ["", "hardly usable", "bad", "fair", "good", "very good"][score] ?? "unknown";
	return (
		<span
			class={`bars score-${score}`}
			role="img"
			aria-label={`Connection of ${name}: ${words}`}
			title={`Connection: ${words}`}
		>
			{[1, 2, 3, 4, 5].map((bar) => (
				<i key={bar} class={bar <= score ? "on" : ""} />
			))}
		</span>
	);
}
