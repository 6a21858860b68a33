/** `@tillside/sdk/client`: what a store's own pages build on. */
export { TillsideClient } from "./client/client";
export type { ClientEvents, ClientOptions, ClientState, Ended } from "./client/client_events";
export { DeskClient, type DeskEvents, type DeskRoomSince } from "./client/desk";
export { canShareScreen, type DeviceChoices, listDevices } from "./client/devices";
export { type FailureCode, TillsideError } from "./client/error";
export { Sharing, type SharingEvents } from "./client/sharing";
export { LocalMedia, type LocalTrack } from "./client/local_media";
export type { MediaState } from "./client/media_path";
export { type Participant, publicationOf } from "./client/roster";
export type { EndReason, TokenSource } from "./client/session";
export type { ReceivedStream, SentStream, StatsDigest } from "./client/stats";
export type * from "./protocol";
