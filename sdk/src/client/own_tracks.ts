/** What we tell the node about our own tracks: what each m-line carries, and whether it is muted. */
import type { Mute, Source, Track } from "../protocol";
import type { LocalMedia, LocalTrack } from "./local_media";

const SOURCES = ["microphone", "camera", "screen"] as const satisfies readonly Source[];

export class OwnTracks {
	readonly #media: LocalMedia;
	#mids: ReadonlyMap<Source, string> = new Map();
	#allowed: readonly Source[] = [];
	#announced: readonly Track[] = [];

	constructor(media: LocalMedia) {
		this.#media = media;
	}

	/** Every source, on or off. */
	all(): LocalTrack[] {
		return SOURCES.map((source) => this.#media.of(source));
	}

	/** What the token lets us send. */
	allow(sources: readonly Source[]): void {
		this.#allowed = sources;
	}

	isAllowed(source: Source): boolean {
		return this.#allowed.includes(source);
	}

	/** The tracks of an offer: its m-lines that we may send on. */
	announce(mids: ReadonlyMap<Source, string>): Track[] {
		this.#mids = mids;
		const muted = (source: Source) => !this.#media.of(source).on;
		this.#announced = [...mids]
			.filter(([source]) => this.isAllowed(source))
			.map(([source, mid]) => ({ mid, source, muted: muted(source) }));
		return [...this.#announced];
	}

	/** What to say of one source now; undefined where the node does not know of it. */
	mute({ source, on }: LocalTrack): Mute | undefined {
		const mid = this.#mids.get(source);
		return mid === undefined || !this.isAllowed(source) ? undefined : { mid, muted: !on };
	}

	/** What has changed since the offer was made: a device may have opened while the node thought about it. */
	changes(): Mute[] {
		return this.#announced
			.filter(({ source, muted }) => this.#media.of(source).on === muted)
			.map(({ mid, muted }) => ({ mid, muted: !muted }));
	}
}
