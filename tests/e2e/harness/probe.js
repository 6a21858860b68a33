// What a page reports about its calls. `installProbe` runs in the page before its own scripts; the functions below it
// ask what it saw. Measures at the browser's own interfaces, so a scenario does not depend on how the SDK is written.

/**
 * Runs in the page. Remembers every RTCPeerConnection and WebSocket, counts offers, answers and frames, and keeps what
 * the node told about shared pages (`told`) and asked of the page that shares (`asked`, by kind).
 */
export function installProbe() {
  const probe = { connections: [], sockets: [], offers: 0, answers: 0, sent: [], errors: [], violations: [], told: [], asked: {} };
  Object.defineProperty(window, '__probe', { value: probe });
  window.addEventListener('error', (event) => probe.errors.push(String(event.message)));
  window.addEventListener('unhandledrejection', (event) => probe.errors.push(String(event.reason)));
  window.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => probe.violations.push(`${violatedDirective} ${blockedURI}`));

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      probe.connections.push(this);
    }
    setLocalDescription(...args) {
      probe.offers += 1;
      return super.setLocalDescription(...args);
    }
    setRemoteDescription(...args) {
      probe.answers += 1;
      return super.setRemoteDescription(...args);
    }
  };

  const NativeSocket = window.WebSocket;
  window.WebSocket = class extends NativeSocket {
    constructor(...args) {
      super(...args);
      probe.sockets.push(this);
      this.addEventListener('message', ({ data }) => typeof data === 'string' && probe.hear(data));
    }
    send(frame) {
      // Only the type of a frame is kept: its content may hold a token.
      if (typeof frame === 'string') probe.sent.push(/"t"\s*:\s*"(\w+)"/.exec(frame)?.[1] ?? '?');
      super.send(frame);
    }
  };

  probe.hear = (frame) => {
    const kind = /"t"\s*:\s*"(\w+)"/.exec(frame)?.[1];
    probe.asked[kind] = (probe.asked[kind] ?? 0) + 1;
    if (kind === 'share' || kind === 'control') probe.told.push(JSON.parse(frame));
  };

  // Pixels are read from what people see, also inside a widget that closes its shadow root.
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    return attach.call(this, { ...init, mode: 'open' });
  };

  probe.videos = (root = document) => {
    const found = [...root.querySelectorAll('video')];
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) found.push(...probe.videos(element.shadowRoot));
    }
    return found;
  };
}

/** Counts of the page's exchanges with the node so far. */
export function exchanges(page) {
  return page.evaluate(() => {
    const { offers, answers, sent, sockets, errors } = window.__probe;
    return { offers, answers, sent, sockets: sockets.length, errors };
  });
}

/**
 * What the page receives and sends now, over its open connections:
 * `{video: [{mid, frames, codec, width, height, freezes}], audio: [{mid, energy, samples, concealed, codec}],
 *   sent: [{kind, rid, frames, packets, codec}], srtp: [cipher], sendable: bits per second, where the browser says it}`.
 */
export function media(page) {
  return page.evaluate(async () => {
    const now = { video: [], audio: [], sent: [], srtp: [], sendable: undefined };
    for (const connection of window.__probe.connections) {
      if (connection.signalingState === 'closed') continue;
      const report = await connection.getStats();
      const codec = (stat) => report.get(stat.codecId)?.mimeType?.split('/')[1];
      for (const stat of report.values()) {
        if (stat.type === 'inbound-rtp' && stat.kind === 'video') {
          now.video.push({
            mid: stat.mid, frames: stat.framesDecoded ?? 0, codec: codec(stat), width: stat.frameWidth,
            height: stat.frameHeight, freezes: stat.freezeCount ?? 0, nacks: stat.nackCount ?? 0,
          });
        } else if (stat.type === 'inbound-rtp' && stat.kind === 'audio') {
          now.audio.push({
            mid: stat.mid, energy: stat.totalAudioEnergy ?? 0, samples: stat.totalSamplesReceived ?? 0,
            packets: stat.packetsReceived ?? 0, bytes: stat.bytesReceived ?? 0, concealed: stat.concealedSamples ?? 0, codec: codec(stat),
          });
        } else if (stat.type === 'outbound-rtp') {
          now.sent.push({
            kind: stat.kind, rid: stat.rid, frames: stat.framesEncoded ?? 0, packets: stat.packetsSent ?? 0,
            codec: codec(stat), active: stat.active,
          });
        } else if (stat.type === 'candidate-pair' && stat.availableOutgoingBitrate !== undefined) {
          now.sendable = stat.availableOutgoingBitrate;
        } else if (stat.type === 'transport' && stat.srtpCipher) {
          now.srtp.push(stat.srtpCipher);
        }
      }
    }
    return now;
  });
}

/**
 * Looks at every video that is playing: `[{width, height, brightness, print}]`. `print` changes when the picture does;
 * `brightness` is the mean of all samples, 0 to 255.
 */
export function pictures(page) {
  return page.evaluate(() => {
    const side = 32;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = side;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    return window.__probe
      .videos()
      .filter((video) => video.readyState >= 2 && video.videoWidth > 0 && !video.paused)
      .map((video) => {
        context.drawImage(video, 0, 0, side, side);
        const { data } = context.getImageData(0, 0, side, side);
        let sum = 0;
        let print = 0;
        for (let i = 0; i < data.length; i += 4) {
          const light = data[i] + data[i + 1] + data[i + 2];
          sum += light;
          print = (print * 31 + light) | 0;
        }
        return { width: video.videoWidth, height: video.videoHeight, brightness: sum / (3 * side * side), print };
      });
  });
}
