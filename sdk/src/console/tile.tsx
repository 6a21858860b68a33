/** One person's picture, or initials where there is none. */
import { useEffect, useRef } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import { initials } from "../design/initials";
import { Icon, QualityBars } from "./parts";

interface TileProps {
	client: TillsideClient;
	name: string;
	/** A picture from the room; undefined: initials. */
	publication: string | undefined;
	priority: number;
	isScreen?: boolean;
	isMuted?: boolean;
	isSpeaking?: boolean;
	score?: number | undefined;
	/** Why the picture is low or paused, for people. */
	note?: string | undefined;
	testId: string;
	class?: string;
}

export function Tile(props: TileProps) {
	const { client, name, publication, priority, isScreen, isMuted, isSpeaking, score, note, testId } = props;
	const video = useRef<HTMLVideoElement>(null);
	useEffect(() => {
		if (publication === undefined || video.current === null) return;
		return client.watch(publication, video.current, priority);
	}, [client, publication, priority]);
	const classes = ["tile", props.class, isScreen && "screen", isSpeaking && "speaking"].filter(Boolean).join(" ");
	return (
		<figure class={classes} data-testid={testId}>
			<video ref={video} playsInline muted aria-label={isScreen ? `Screen of ${name}` : `Video of ${name}`} />
			{publication === undefined && <Initials name={name} />}
			{note !== undefined && <p class="note">{note}</p>}
			<figcaption>
				{isMuted && <Icon name="micOff" />}
				<span>{isScreen ? `${name}’s screen` : name}</span>
				<QualityBars score={score} name={name} />
			</figcaption>
		</figure>
	);
}

interface SelfTileProps {
	track: MediaStreamTrack | undefined;
	name: string;
	isMuted?: boolean;
	class?: string;
}

/** The own camera, mirrored as people know themselves. */
export function SelfTile({ track, name, isMuted, class: extra = "" }: SelfTileProps) {
	const video = useRef<HTMLVideoElement>(null);
	useEffect(() => {
		if (video.current !== null) video.current.srcObject = track === undefined ? null : new MediaStream([track]);
	}, [track]);
	return (
		<figure class={`tile mirrored ${extra}`} data-testid="self-video">
			<video ref={video} autoplay playsInline muted aria-label="Your camera" />
			{track === undefined && <Initials name={name} />}
			<figcaption>
				{isMuted && <Icon name="micOff" />}
				<span>{name}</span>
			</figcaption>
		</figure>
	);
}

function Initials({ name }: { name: string }) {
	return (
		<span class="initials" aria-hidden="true">
			<span>{initials(name)}</span>
		</span>
	);
}
