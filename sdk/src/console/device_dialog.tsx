/** Which microphone, camera and speaker; with a picture and a level to see that they work. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import { type DeviceChoices, listDevices } from "../client/devices";
import { TillsideError } from "../client/error";
import { LocalMedia } from "../client/local_media";
import { useEvents, useLevel } from "./hooks";
import { Dialog } from "./parts";
import { SelfTile } from "./tile";

const NOTHING: DeviceChoices = { microphones: [], cameras: [], speakers: [] };

interface DeviceDialogProps {
	/** The running call, whose devices these are; without one, a trial that ends with the dialog. */
	client: TillsideClient | undefined;
	onClose: () => void;
}

export function DeviceDialog({ client, onClose }: DeviceDialogProps) {
	const media = useMemo(() => client?.media ?? new LocalMedia(), [client]);
	const [devices, setDevices] = useState(NOTHING);
	const [problem, setProblem] = useState<string>();
	useEvents(media, "changed");
	useEffect(() => {
		const isTrial = client === undefined;
		const report = (cause: unknown) => setProblem(cause instanceof TillsideError ? cause.message : String(cause));
		// Names of devices are hidden until one of them was allowed.
		const list = () => listDevices().then(setDevices, report);
		if (isTrial) media.startBoth().catch(report).finally(list);
		else void list();
		navigator.mediaDevices?.addEventListener("devicechange", list);
		return () => {
			navigator.mediaDevices?.removeEventListener("devicechange", list);
			if (isTrial) media.stop();
		};
	}, [client, media]);

	const use = (source: "microphone" | "camera") => (id: string) =>
		media.use(source, id).then(
			() => setProblem(undefined),
			(cause: unknown) => setProblem(cause instanceof TillsideError ? cause.message : String(cause)),
		);
	const { track: microphone } = media.of("microphone");
	const { track: camera } = media.of("camera");
	return (
		<Dialog title="Devices" testId="devices" onClose={onClose}>
			{problem !== undefined && (
				<p class="notice warn" role="alert">
					{problem}
				</p>
			)}
			<SelfTile track={camera} name="You" class="preview" />
			<Picker
				label="Camera"
				testId="pick-camera"
				devices={devices.cameras}
				current={camera?.getSettings().deviceId}
				onPick={use("camera")}
			/>
			<Picker
				label="Microphone"
				testId="pick-microphone"
				devices={devices.microphones}
				current={microphone?.getSettings().deviceId}
				onPick={use("microphone")}
			/>
			<LevelMeter track={microphone} />
			{devices.speakers.length > 0 && client !== undefined && (
				<Picker
					label="Speaker"
					testId="pick-speaker"
					devices={devices.speakers}
					current={undefined}
					onPick={(id) => client.useSpeaker(id)}
				/>
			)}
		</Dialog>
	);
}

interface PickerProps {
	label: string;
	testId: string;
	devices: MediaDeviceInfo[];
	current: string | undefined;
	onPick: (deviceId: string) => void;
}

function Picker({ label, testId, devices, current, onPick }: PickerProps) {
	return (
		<label class="picker">
			{label}
			<select
				data-testid={testId}
				disabled={devices.length === 0}
				value={current}
				onChange={(event) => onPick(event.currentTarget.value)}
			>
				{devices.length === 0 && <option>None found</option>}
				{devices.map(({ deviceId, label: name }, index) => (
					<option key={deviceId} value={deviceId}>
						{name || `${label} ${index + 1}`}
					</option>
				))}
			</select>
		</label>
	);
}

function LevelMeter({ track }: { track: MediaStreamTrack | undefined }) {
	const level = useLevel(track);
	return <meter class="level" aria-label="Microphone level" min={0} max={1} value={level} data-testid="mic-level" />;
}
