/** Ties the SDK's events to Preact's rendering. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Emitter } from "../client/emitter";

/** Renders again whenever one of these events happens. The SDK's objects hold the state; nothing is copied. */
export function useEvents<Events extends object>(emitter: Emitter<Events>, ...names: (keyof Events)[]): void {
	const [, render] = useState(0);
	useEffect(() => {
		const forgets = names.map((name) => emitter.on(name, () => render((count) => count + 1)));
		// Something may have happened between rendering and listening.
		render((count) => count + 1);
		return () => {
			for (const forget of forgets) forget();
		};
	}, [emitter]);
}

/** Calls a listener for as long as the component lives. */
export function useEvent<Events extends object, Name extends keyof Events>(
	emitter: Emitter<Events>,
	name: Name,
	listener: (event: Events[Name]) => void,
): void {
	const latest = useRef(listener);
	latest.current = listener;
	useEffect(() => emitter.on(name, (event) => latest.current(event)), [emitter, name]);
}

/** The time of `performance.now()`, ticking. */
export function useNow(everyMs: number): number {
	const [now, setNow] = useState(() => performance.now());
	useEffect(() => {
		const timer = setInterval(() => setNow(performance.now()), everyMs);
		return () => clearInterval(timer);
	}, [everyMs]);
	return now;
}

/** Calls the function of a key that is pressed while nobody types or has a dialog open. */
export function useShortcuts(shortcuts: Record<string, () => void>): void {
	const latest = useRef(shortcuts);
	latest.current = shortcuts;
	useEffect(() => {
		const listener = (event: KeyboardEvent) => {
			if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
			const target = event.target as HTMLElement;
			if (target.closest("input, textarea, select, dialog[open]") !== null) return;
			const key = event.key.toLowerCase();
			if (!Object.hasOwn(latest.current, key)) return;
			event.preventDefault();
			latest.current[key]?.();
		};
		addEventListener("keydown", listener);
		return () => removeEventListener("keydown", listener);
	}, []);
}

/** How loud a track is, from 0 to 1, some fifteen times a second; 0 without a track. */
export function useLevel(track: MediaStreamTrack | undefined): number {
	const [level, setLevel] = useState(0);
	useEffect(() => {
		if (track === undefined) return setLevel(0);
		const audio = new AudioContext();
		const analyser = new AnalyserNode(audio, { fftSize: 512 });
		audio.createMediaStreamSource(new MediaStream([track])).connect(analyser);
		const samples = new Float32Array(analyser.fftSize);
		const timer = setInterval(() => {
			analyser.getFloatTimeDomainData(samples);
			const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
			// From -60 dB, a quiet room, to 0 dB.
			setLevel(Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-9) / 6)));
		}, 66);
		return () => {
			clearInterval(timer);
			void audio.close();
		};
	}, [track]);
	return level;
}

/** How large an element is, in CSS pixels; 0 before it is laid out. */
export function useSize(element: { readonly current: HTMLElement | null }): { width: number; height: number } {
	const [size, setSize] = useState({ width: 0, height: 0 });
	useEffect(() => {
		if (element.current === null) return;
		const observer = new ResizeObserver(([entry]) => {
			if (entry !== undefined) setSize({ width: entry.contentRect.width, height: entry.contentRect.height });
		});
		observer.observe(element.current);
		return () => observer.disconnect();
	}, [element]);
	return size;
}
