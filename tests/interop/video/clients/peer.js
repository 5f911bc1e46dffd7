// One end of a call over the W3C interface: the same code in browsers' pages and in Node.

function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
}

const empty = () => ({
  video: { packets: 0, frames: 0, width: 0, nacks: 0, repaired: null },
  audio: { packets: 0, energy: 0 },
  cipher: null,
});

export class Peer {
  /** `found` is told candidates when they are to trickle; else the answer waits for them. */
  constructor(Connection, tracks, trickle, found) {
    this.pc = new Connection();
    this.tracks = tracks;
    this.trickle = trickle;
    this.pc.onicecandidate = ({ candidate }) => {
      if (trickle) found(candidate?.candidate ?? "", candidate?.sdpMid ?? "");
    };
  }

  async answer(sdp) {
    const { pc } = this;
    await pc.setRemoteDescription({ type: "offer", sdp });
    for (const transceiver of pc.getTransceivers()) {
      const track = this.tracks.find((it) => it.kind === transceiver.receiver.track.kind);
      if (transceiver.sender.track === track) continue;
      transceiver.direction = "sendrecv";
      await transceiver.sender.replaceTrack(track);
    }
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    if (this.trickle) return answer.sdp;
    await gathered(pc);
    return pc.localDescription.sdp;
  }

  candidate(candidate, sdpMid) {
    return this.pc.addIceCandidate({ candidate, sdpMid });
  }

  async stats() {
    const result = empty();
    const report = await this.pc.getStats();
    for (const entry of report.values()) {
      if (entry.type === "inbound-rtp" && entry.kind === "video")
        Object.assign(result.video, {
          packets: entry.packetsReceived,
          frames: entry.framesDecoded ?? 0,
          width: entry.frameWidth ?? 0,
          nacks: entry.nackCount ?? 0,
          repaired: entry.retransmittedPacketsReceived ?? null,
        });
      if (entry.type === "inbound-rtp" && entry.kind === "audio")
        Object.assign(result.audio, { packets: entry.packetsReceived, energy: entry.totalAudioEnergy ?? 0 });
      if (entry.type === "transport") result.cipher = entry.srtpCipher ?? null;
    }
    return result;
  }

  close() {
    this.pc.close();
  }
}
