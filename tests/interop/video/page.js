// One page of a call: answers every offer of the box. `toBox` is provided by the test.
"use strict";

window.call = {
  pc: null,
  media: null,
  video: document.querySelector("video"),
  generation: 0,
  queue: Promise.resolve(),

  async camera() {
    this.media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  },

  noCamera() {
    this.media = new MediaStream();
  },

  begin() {
    this.pc?.close();
    const pc = new RTCPeerConnection();
    this.pc = pc;
    this.begunAt = performance.now();
    this.firstFrameAt = null;
    const remote = new MediaStream();
    this.video.srcObject = remote;
    pc.ontrack = (event) => {
      for (const old of remote.getTracks()) if (old.kind === event.track.kind) remote.removeTrack(old);
      remote.addTrack(event.track);
    };
    pc.onicecandidate = (event) => {
      if (this.pc !== pc) return;
      window.toBox({ type: "candidate", generation: this.generation, candidate: event.candidate?.candidate ?? "", mid: event.candidate?.sdpMid ?? "" });
    };
    this.video.requestVideoFrameCallback(() => {
      if (this.pc === pc) this.firstFrameAt = performance.now();
    });
  },

  /** Offers are answered one after the other. */
  offer(offer) {
    this.queue = this.queue.then(() => this.answer(offer));
    return this.queue;
  },

  async answer({ sdp, generation }) {
    const pc = this.pc;
    this.generation = generation;
    await pc.setRemoteDescription({ type: "offer", sdp });
    for (const transceiver of pc.getTransceivers()) {
      const track = this.media.getTracks().find((t) => t.kind === transceiver.receiver.track.kind);
      if (!track || transceiver.sender.track === track) continue;
      transceiver.direction = "sendrecv";
      await transceiver.sender.replaceTrack(track);
    }
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    await window.toBox({ type: "answer", generation, sdp: answer.sdp });
  },

  async stats() {
    const result = { kinds: {}, roundTrips: {} };
    const report = await this.pc.getStats();
    for (const entry of report.values()) {
      if (entry.type === "inbound-rtp")
        result.kinds[entry.kind] = {
          packets: entry.packetsReceived,
          frames: entry.framesDecoded ?? 0,
          lost: entry.packetsLost,
          rtx: entry.rtxSsrc ?? null,
          repaired: entry.retransmittedPacketsReceived ?? 0,
          nacks: entry.nackCount ?? 0,
          plis: entry.pliCount ?? 0,
          width: entry.frameWidth ?? 0,
          samples: entry.totalSamplesReceived ?? 0,
          codec: report.get(entry.codecId)?.mimeType,
        };
      if (entry.type === "remote-inbound-rtp") result.roundTrips[entry.kind] = entry.roundTripTimeMeasurements ?? 0;
      if (entry.type === "transport") {
        result.cipher = entry.srtpCipher;
        result.dtls = entry.dtlsState;
        result.tls = entry.tlsVersion;
        result.estimate = report.get(entry.selectedCandidatePairId)?.availableOutgoingBitrate;
      }
    }
    return result;
  },

  /** Colours at the centres of the four quarters of the remote picture. */
  picture() {
    const canvas = document.createElement("canvas");
    canvas.width = 64;
    canvas.height = 48;
    const context = canvas.getContext("2d");
    context.drawImage(this.video, 0, 0, 64, 48);
    return [[16, 12], [48, 12], [16, 36], [48, 36]].map(([x, y]) => [...context.getImageData(x, y, 1, 1).data.slice(0, 3)]);
  },
};
