// werift: WebRTC written in TypeScript alone. It has no codecs: GStreamer makes what it sends, and
// what comes is put together to pictures and their headers read.
import { spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { live } from "./apart.mjs";

const require = createRequire(import.meta.url);
const werift = require("werift");

const picture = [
  "videotestsrc", "is-live=true", "pattern=ball", "!", "video/x-raw,width=320,height=240,framerate=20/1", "!",
  // Nobody can ask it for a key frame.
  "vp8enc", "deadline=1", "keyframe-max-dist=10", "target-bitrate=300000", "error-resilient=1", "!",
  "rtpvp8pay", "mtu=1100", "picture-id-mode=2", "!", "udpsink", "host=127.0.0.1",
];
const sound = [
  "audiotestsrc", "is-live=true", "volume=0.3", "!", "audio/x-raw,rate=48000,channels=2", "!",
  "opusenc", "!", "rtpopuspay", "!", "udpsink", "host=127.0.0.1",
];

async function listen(received) {
  const socket = dgram.createSocket("udp4");
  socket.on("message", received);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** Puts the packets of VP8 (RFC 7741) in order and counts whole pictures. */
class Pictures {
  packets = 0;
  frames = 0;
  width = 0;
  repaired = 0;
  nacks = 0;
  #newest = null;
  #missing = new Set();

  push({ header, payload }) {
    this.packets++;
    this.#order(header.sequenceNumber);
    if (payload.length === 0) return;
    const vp8 = werift.Vp8RtpPayload.deSerialize(payload);
    if (vp8.isPartitionHead && vp8.isKeyframe) this.width = vp8.payload.readUInt16LE(6) & 0x3fff;
    if (header.marker && this.width > 0) this.frames++;
  }

  /** What comes late fills a gap. */
  #order(sequence) {
    const ahead = this.#newest === null ? 1 : (sequence - this.#newest) & 0xffff;
    if (ahead !== 0 && ahead < 0x8000) {
      for (let i = 1; i < ahead && ahead < 1000; i++) this.#missing.add((this.#newest + i) & 0xffff);
      this.#newest = sequence;
    } else if (this.#missing.delete(sequence)) this.repaired++;
  }
}

class Peer {
  #pictures;
  // No energy is known before a packet tells a level.
  #audio = { packets: 0, energy: null };
  #heardOf = new Set();

  constructor(tracks, trickle, found) {
    Object.assign(this, { tracks, trickle });
    this.#pictures = new Pictures();
    const feedback = [werift.useNACK(), werift.usePLI(), werift.useREMB(), werift.useTWCC()];
    const { useSdesMid, useAbsSendTime, useTransportWideCC, useAudioLevelIndication } = werift;
    const extensions = [useSdesMid(), useAbsSendTime(), useTransportWideCC()];
    const rtx = new werift.RTCRtpCodecParameters({ mimeType: "video/rtx", clockRate: 90000 });
    this.pc = new werift.RTCPeerConnection({
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ["127.0.0.1"],
      codecs: { audio: [werift.useOPUS()], video: [werift.useVP8({ rtcpFeedback: feedback }), rtx] },
      headerExtensions: { audio: [...extensions, useAudioLevelIndication()], video: extensions },
    });
    this.pc.onIceCandidate.subscribe((candidate) => {
      if (trickle) found(candidate?.candidate ?? "", candidate?.sdpMid ?? "");
    });
  }

  /** Its `onTrack` tells of a transceiver's first track only; each stream has its own. */
  #listen({ kind, receiver }) {
    for (const track of receiver.tracks) {
      if (this.#heardOf.has(track)) continue;
      this.#heardOf.add(track);
      track.onReceiveRtp.subscribe((packet, extensions) => {
        if (kind === "video") this.#pictures.push(packet);
        else this.#heard(extensions);
      });
    }
  }

  #heard(extensions) {
    this.#audio.packets++;
    const level = extensions[werift.RTP_EXTENSION_URI.audioLevelIndication];
    if (level) this.#audio.energy += 10 ** (-level.level / 10);
  }

  async answer(sdp) {
    const { pc } = this;
    await pc.setRemoteDescription({ type: "offer", sdp });
    for (const transceiver of pc.getTransceivers()) {
      this.#listen(transceiver);
      const track = this.tracks[transceiver.kind];
      if (transceiver.sender.track === track) continue;
      await transceiver.sender.replaceTrack(track);
      transceiver.setDirection("sendrecv");
      transceiver.receiver.onPacketLost.subscribe(() => this.#pictures.nacks++);
    }
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    if (this.trickle) return answer.sdp.replace(/^a=(candidate:.*|end-of-candidates)\r\n/gm, "");
    if (pc.iceGatheringState !== "complete") await pc.iceGatheringStateChange.watch((state) => state === "complete");
    return pc.localDescription.sdp;
  }

  candidate(candidate, sdpMid) {
    return this.pc.addIceCandidate(candidate === "" ? undefined : { candidate, sdpMid });
  }

  async stats() {
    const { packets, frames, width, repaired, nacks } = this.#pictures;
    const [transport] = this.pc.dtlsTransports;
    return { video: { packets, frames, width, repaired, nacks }, audio: { ...this.#audio }, cipher: this.#cipher(transport) };
  }

  #cipher(transport) {
    const names = { 1: "AES128_CM_SHA1_80", 7: "AEAD_AES_128_GCM" };
    return names[transport?.srtp?.config?.profile] ?? null;
  }

  close() {
    present.delete(this);
    return this.pc.close();
  }
}

/** The package does not let its package.json be required. */
function version() {
  const file = new URL("../../../../node_modules/werift/package.json", import.meta.url);
  return JSON.parse(readFileSync(file)).version;
}

const present = new Set();
const ports = {};
for (const [kind, payloadType] of [["video", 96], ["audio", 111]]) {
  const socket = await listen((data) => {
    const packet = werift.RtpPacket.deSerialize(data);
    packet.header.payloadType = payloadType;
    for (const peer of present) peer.tracks[kind].writeRtp(packet.clone());
  });
  ports[kind] = socket.address().port;
}
const pipeline = [...picture, `port=${ports.video}`, ...sound, `port=${ports.audio}`];
const source = spawn("gst-launch-1.0", ["-q", ...pipeline], { stdio: ["ignore", "ignore", "inherit"] });

live(`werift ${version()}`, (trickle, found) => {
  const tracks = {};
  for (const kind of ["audio", "video"]) tracks[kind] = new werift.MediaStreamTrack({ kind });
  const peer = new Peer(tracks, trickle, found);
  present.add(peer);
  return peer;
}, () => source.kill());
