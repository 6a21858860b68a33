/**
 * What lies over a shared page: the shopper's pointer and clicks, the agent's own pointer and strokes, what was refused,
 * and the letters that are on their way. Takes all of the agent's input; the page below never gets any.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Rung } from "../protocol";
import type { ActingEvents } from "../view/acting";
import type { PageView } from "../view/page_view";
import type { Place } from "../view/places";
import { covers, PRESSED_KEYS } from "../view/verbs";
import { useEvent, useEvents } from "./hooks";
import type { Tool } from "./page_tools";

/** How long a ripple, a mark and a line of words stay, in milliseconds. */
const RIPPLE_MS = 700;
const MARK_MS = 2_500;
const NOTE_MS = 3_500;
const STROKE_MS = 4_000;

interface PageOverlayProps {
	view: PageView;
	name: string;
	scale: number;
	tool: Tool;
	rung: Rung | undefined;
}

interface Box {
	x: number;
	y: number;
	width: number;
	height: number;
}

export function PageOverlay({ view, name, scale, tool, rung }: PageOverlayProps) {
	const { replay, acting } = view;
	const surface = useRef<HTMLDivElement>(null);
	const keys = useRef<HTMLTextAreaElement>(null);
	const [ghost, setGhost] = useState<Place>();
	const [notes, note] = usePassing<{ place: Place | undefined; why: string }>(NOTE_MS);
	const [marks, mark] = usePassing<Box>(MARK_MS);
	const strokes = useStrokes(surface, scale);
	const [choices, setChoices] = useState<ActingEvents["choices"]>();
	const [link, setLink] = useState<string>();
	const [pending, setPending] = useState("");
	const [field, setField] = useState<Box>();
	useEvent(acting, "refused", (refused) => note({ ...refused, place: refused.place ?? ghost }));
	useEvent(acting, "pending", setPending);
	useEvent(acting, "choices", setChoices);
	useEvent(replay, "shown", () => setChoices(undefined));
	useEvent(replay, "left", () => setChoices(undefined));
	const measure = () => setField(acting.field && replay.boxOf(acting.field.node as Element));
	useEvent(acting, "field", () => {
		measure();
		if (acting.field !== undefined) keys.current?.focus({ preventScroll: true });
	});
	useEvent(replay, "changed", () => acting.field !== undefined && measure());
	const mayClick = tool === "act" && covers(rung, "click");
	const mayType = covers(rung, "type");
	useEffect(() => {
		if (!mayType) acting.leaveField();
	}, [mayType, acting]);

	const placeOf = (event: { clientX: number; clientY: number }): Place => {
		const box = (surface.current as HTMLDivElement).getBoundingClientRect();
		return { x: (event.clientX - box.left) / scale, y: (event.clientY - box.top) / scale };
	};
	const handleMove = (event: PointerEvent) => {
		const place = placeOf(event);
		setLink(replay.linkAt(place));
		if (tool === "look") {
			if (event.buttons === 1) lookBy(-event.movementX / scale, -event.movementY / scale, place);
			return;
		}
		setGhost(place);
		if (strokes.isDrawing) {
			strokes.go(place);
			return acting.draw(place);
		}
		acting.point(place);
	};
	const handleDown = (event: PointerEvent) => {
		if (event.button !== 0 || event.target !== surface.current) return;
		setChoices(undefined);
		const place = placeOf(event);
		if (tool === "draw") {
			surface.current?.setPointerCapture(event.pointerId);
			strokes.begin(place);
			return acting.draw(place);
		}
		if (tool === "highlight") {
			const element = acting.highlight(place);
			if (element !== undefined) mark(replay.boxOf(element));
		}
	};
	const handleUp = () => {
		if (!strokes.isDrawing) return;
		strokes.end();
		acting.lift();
	};
	useWheel(surface, (event) => {
		const [dx, dy] = [event.deltaX, event.deltaY];
		if (mayClick && replay.follows) return acting.scroll(placeOf(event), dx, dy);
		replay.follows = false;
		replay.scrollAt(placeOf(event), dx, dy);
	});
	const middle = () => ({ x: replay.page.width / 2, y: replay.page.height / 2 });
	const lookBy = (dx: number, dy: number, place = middle()) => {
		replay.follows = false;
		replay.scrollAt(place, dx, dy);
	};

	return (
		<div
			class="page-overlay"
			ref={surface}
			role="application"
			aria-label={`${name}’s page. Arrow keys and page keys look around.`}
			tabindex={0}
			data-testid="page-overlay"
			onPointerMove={handleMove}
			onPointerDown={handleDown}
			onPointerUp={handleUp}
			onPointerLeave={() => {
				setGhost(undefined);
				setLink(undefined);
			}}
			onClick={(event) => mayClick && event.target === surface.current && acting.click(placeOf(event), mayType)}
			onKeyDown={(event) => event.target === surface.current && lookKey(event, lookBy, replay.page.height)}
		>
			<ShopperPointer view={view} name={name} scale={scale} />
			{marks.map(({ key, value }) => (
				<i key={key} class="page-mark" style={boxStyle(value, scale)} />
			))}
			<canvas class="page-strokes" ref={strokes.canvas} aria-hidden="true" />
			{field !== undefined && (
				<span class="page-field" style={boxStyle(field, scale)}>
					{pending !== "" && <b data-testid="pending">{pending}</b>}
				</span>
			)}
			<textarea
				class="page-keys"
				ref={keys}
				aria-label={`Type into ${name}’s page. Escape stops.`}
				tabindex={-1}
				autocomplete="off"
				spellcheck={false}
				data-testid="page-keys"
				onInput={(event) => takeLetters(event, acting.type.bind(acting))}
				onCompositionEnd={(event) => {
					acting.type(event.data);
					event.currentTarget.value = "";
				}}
				onKeyDown={(event) => {
					if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
					const key = PRESSED_KEYS.get(event.key);
					if (key === undefined) return;
					event.preventDefault();
					event.stopPropagation();
					acting.press(key);
					if (key === "escape") {
						acting.leaveField();
						surface.current?.focus({ preventScroll: true });
					}
				}}
				onBlur={() => acting.leaveField()}
			/>
			{ghost !== undefined && tool !== "look" && (
				<i
					class={`page-ghost ${tool}`}
					style={{ translate: `${ghost.x * scale}px ${ghost.y * scale}px` }}
					aria-hidden="true"
				/>
			)}
			{choices !== undefined && (
				<Choices
					{...choices}
					style={noteStyle(choices.place, scale, replay.page)}
					onChoose={(option) => {
						setChoices(undefined);
						if (option !== undefined) acting.select(choices.list, option);
						surface.current?.focus({ preventScroll: true });
					}}
				/>
			)}
			{link !== undefined && <span class="page-link">{link}</span>}
			<div class="page-notes" role="status">
				{notes.map(({ key, value }) => (
					<p key={key} class="page-note" style={noteStyle(value.place, scale, replay.page)} data-testid="page-refused">
						{value.why}
					</p>
				))}
			</div>
		</div>
	);
}

/** The shopper's pointer with a name on it, and rings where the shopper clicks. */
function ShopperPointer({ view, name, scale }: { view: PageView; name: string; scale: number }) {
	const { replay } = view;
	const [pointer, setPointer] = useState<{ place: Place; isTouch: boolean }>();
	const [ripples, ripple] = usePassing<Place>(RIPPLE_MS);
	useEvent(replay, "pointer", setPointer);
	useEvent(replay, "press", ripple);
	useEvent(replay, "shown", () => setPointer(undefined));
	useEvent(replay, "left", () => setPointer(undefined));
	useEvents(replay, "changed");
	const drift = replay.drift;
	const at = ({ x, y }: Place) => `${(x + drift.x) * scale}px ${(y + drift.y) * scale}px`;
	return (
		<>
			{ripples.map(({ key, value }) => (
				<i key={key} class="page-ripple" style={{ translate: at(value) }} data-testid="page-ripple" />
			))}
			{pointer !== undefined && (
				<span
					class={`page-pointer ${pointer.isTouch ? "touch" : ""}`}
					style={{ translate: at(pointer.place) }}
					data-testid="page-pointer"
				>
					<svg viewBox="0 0 20 20" aria-hidden="true">
						<path d="M3 2l13 6.5-5.6 1.7L7.6 16z" />
					</svg>
					<span>{name}</span>
				</span>
			)}
		</>
	);
}

interface ChoicesProps {
	options: readonly string[];
	style: Record<string, string>;
	onChoose: (option: number | undefined) => void;
}

/** The options of a list on the shopper's page. */
function Choices({ options, style, onChoose }: ChoicesProps) {
	const list = useRef<HTMLDivElement>(null);
	useEffect(() => list.current?.querySelector("button")?.focus(), []);
	return (
		<div
			class="page-choices"
			role="group"
			aria-label="Choose for the customer"
			ref={list}
			style={style}
			data-testid="page-choices"
			onKeyDown={(event) => {
				if (event.key === "Escape") onChoose(undefined);
			}}
		>
			{options.map((label, option) => (
				<button type="button" key={option} onClick={() => onChoose(option)}>
					{label}
				</button>
			))}
		</div>
	);
}

/** Things that are there for a while. */
function usePassing<Type>(ms: number): [{ key: number; value: Type }[], (value: Type) => void] {
	const [passing, setPassing] = useState<{ key: number; value: Type }[]>([]);
	const key = useRef(0);
	const add = (value: Type) => {
		const one = { key: ++key.current, value };
		setPassing((known) => [...known.slice(-7), one]);
		setTimeout(() => setPassing((known) => known.filter((other) => other !== one)), ms);
	};
	return [passing, add];
}

/** The agent's own strokes, fading as they do at the shopper's. */
function useStrokes(surface: { current: HTMLDivElement | null }, scale: number) {
	const canvas = useRef<HTMLCanvasElement>(null);
	const last = useRef<Place | undefined>(undefined);
	const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
	const paper = () => {
		const [sheet, box] = [canvas.current, surface.current];
		if (sheet === null || box === null) return null;
		if (sheet.width !== box.clientWidth || sheet.height !== box.clientHeight) {
			Object.assign(sheet, { width: box.clientWidth, height: box.clientHeight });
		}
		return sheet.getContext("2d");
	};
	return {
		canvas,
		get isDrawing() {
			return last.current !== undefined;
		},
		begin(place: Place) {
			clearTimeout(timer.current);
			last.current = place;
		},
		go(place: Place) {
			const context = paper();
			const from = last.current;
			last.current = place;
			if (context === null || from === undefined) return;
			Object.assign(context, { strokeStyle: "#e8590c", lineWidth: 4, lineCap: "round" });
			context.beginPath();
			context.moveTo(from.x * scale, from.y * scale);
			context.lineTo(place.x * scale, place.y * scale);
			context.stroke();
		},
		end() {
			last.current = undefined;
			timer.current = setTimeout(() => {
				const context = paper();
				context?.clearRect(0, 0, context.canvas.width, context.canvas.height);
			}, STROKE_MS);
		},
	};
}

/** A wheel that does not scroll the console: such a listener must not be passive. */
function useWheel(surface: { current: HTMLElement | null }, listener: (event: WheelEvent) => void): void {
	const latest = useRef(listener);
	latest.current = listener;
	useEffect(() => {
		const handle = (event: WheelEvent) => {
			event.preventDefault();
			latest.current(event);
		};
		const element = surface.current;
		element?.addEventListener("wheel", handle, { passive: false });
		return () => element?.removeEventListener("wheel", handle);
	}, []);
}

/** Letters of the keyboard, of a paste or of a tablet; what is still being composed waits. */
function takeLetters(event: InputEvent & { currentTarget: HTMLTextAreaElement }, type: (text: string) => void): void {
	if (event.isComposing) return;
	const text = event.currentTarget.value;
	event.currentTarget.value = "";
	if (text !== "") type(text);
}

/** Share of the window that one key press looks on. */
const STEP = 60;

function lookKey(event: KeyboardEvent, lookBy: (dx: number, dy: number) => void, height: number): void {
	const steps: Record<string, [number, number]> = {
		ArrowUp: [0, -STEP],
		ArrowDown: [0, STEP],
		ArrowLeft: [-STEP, 0],
		ArrowRight: [STEP, 0],
		PageUp: [0, -height * 0.9],
		PageDown: [0, height * 0.9],
		Home: [0, -1e6],
		End: [0, 1e6],
	};
	const step = Object.hasOwn(steps, event.key) ? steps[event.key] : undefined;
	if (step === undefined) return;
	event.preventDefault();
	lookBy(...step);
}

function boxStyle({ x, y, width, height }: Box, scale: number) {
	return {
		translate: `${x * scale}px ${y * scale}px`,
		inlineSize: `${width * scale}px`,
		blockSize: `${height * scale}px`,
	};
}

/** Beside the place, but within the page. */
function noteStyle(place: Place | undefined, scale: number, page: { width: number; height: number }) {
	const { x, y } = place ?? { x: page.width / 2, y: page.height - 60 };
	return {
		insetInlineStart: `clamp(8px, ${x * scale + 14}px, calc(100% - 17rem))`,
		insetBlockStart: `clamp(8px, ${y * scale + 18}px, calc(100% - 3rem))`,
	};
}
