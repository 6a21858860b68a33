/** Opens what can be captured, and says in words why it could not. Keeps no state. */
import type { Source } from "../protocol";
import { deviceError, TillsideError } from "./error";

/** What somebody can choose from. Labels are empty until the browser has allowed a device of that kind. */
export interface DeviceChoices {
	microphones: MediaDeviceInfo[];
	cameras: MediaDeviceInfo[];
	speakers: MediaDeviceInfo[];
}

/** People call from shops and living rooms, through loudspeakers. */
const CLEAR_SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** 720p is what three simulcast encodings divide well (720, 360, 180) and what common cameras give. */
const CAMERA_SIZE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
/** Pages and slides change slowly; more frames would only cost sharpness. */
const SCREEN_FRAME_RATE = { ideal: 15, max: 30 };

/** Opens a device, or asks for a screen. `deviceId` is a wish: if that device is gone, another is taken. */
export async function openTrack(source: Source, deviceId?: string): Promise<MediaStreamTrack> {
	const devices = mediaDevices();
	try {
		const stream = await request(devices, source, deviceId === undefined ? {} : { deviceId: { ideal: deviceId } });
		const track = stream.getTracks()[0];
		if (track === undefined) throw new DOMException("no track", "NotFoundError");
		// Text on a shared page must stay sharp; a face must stay smooth.
		if (source === "screen") track.contentHint = "detail";
		return track;
	} catch (cause) {
		throw deviceError(source, cause);
	}
}

/**
 * Opens microphone and camera together, so that the browser asks once for both.
 *
 * @returns both tracks, or undefined where they have to be opened one by one to learn which of them fails
 */
export async function openBoth(): Promise<{ microphone: MediaStreamTrack; camera: MediaStreamTrack } | undefined> {
	const stream = await mediaDevices()
		.getUserMedia({ audio: CLEAR_SOUND, video: { ...CAMERA_SIZE, facingMode: "user" } })
		.catch(() => undefined);
	const microphone = stream?.getAudioTracks()[0];
	const camera = stream?.getVideoTracks()[0];
	return microphone && camera ? { microphone, camera } : undefined;
}

function request(devices: MediaDevices, source: Source, wish: MediaTrackConstraints): Promise<MediaStream> {
	switch (source) {
		case "microphone":
			return devices.getUserMedia({ audio: { ...CLEAR_SOUND, ...wish } });
		case "camera":
			return devices.getUserMedia({ video: { ...CAMERA_SIZE, facingMode: "user", ...wish } });
		case "screen":
			return devices.getDisplayMedia({ video: { frameRate: SCREEN_FRAME_RATE }, audio: false });
	}
}

/** The devices that the browser shows to this page. */
export async function listDevices(): Promise<DeviceChoices> {
	const devices = await mediaDevices().enumerateDevices();
	const of = (kind: MediaDeviceKind) => devices.filter((device) => device.kind === kind && device.deviceId !== "");
	return { microphones: of("audioinput"), cameras: of("videoinput"), speakers: of("audiooutput") };
}

/** Whether this browser can share a screen at all (phones cannot). */
export function canShareScreen(): boolean {
	return typeof globalThis.navigator?.mediaDevices?.getDisplayMedia === "function";
}

function mediaDevices(): MediaDevices {
	const devices = globalThis.navigator?.mediaDevices;
	if (devices !== undefined) return devices;
	throw new TillsideError(
		"insecure_context",
		"The browser opens cameras and microphones on secure (https) pages only. Ask the store to use https.",
		false,
	);
}
