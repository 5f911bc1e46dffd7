// The descriptions a browser would write for a leg of the load generator, and what it reads of the
// relay's. The payload types and extension numbers are those of load-media.h.
const EXTENSIONS = {
  audio: [
    [1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"],
    [2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"],
    [3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"],
  ],
  video: [
    [2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"],
    [3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"],
  ],
};
const CODECS = {
  audio: "a=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\na=fmtp:111 minptime=10;useinbandfec=1",
  video: "a=rtpmap:96 VP8/90000\na=rtcp-fb:96 goog-remb\na=rtcp-fb:96 transport-cc\na=rtcp-fb:96 ccm fir\na=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96",
};
const PAYLOADS = { audio: 111, video: 96 };
// As browsers do; but nothing is lost here, so nothing comes again.
const RETRANSMISSIONS = { audio: "", video: " 97" };

/** leg: what the generator said of it; mids: { audio, video } as the offer has them; `offer`: its further sections, of third and fourth people, are only received. */
export function write(leg, setup, mids = { audio: "audio", video: "video" }, offer = "") {
  const further = [...offer.matchAll(/^a=mid:((audio|video)-\d+)/gm)].map(([, mid, kind]) => ({ mid, kind }));
  const group = [mids.audio, mids.video, ...further.map(({ mid }) => mid)];
  const lines = [`v=0\no=- ${leg.audio} 1 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE ${group.join(" ")}\na=msid-semantic: WMS *`];
  for (const kind of ["audio", "video"]) {
    lines.push(
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${PAYLOADS[kind]}${RETRANSMISSIONS[kind]}\nc=IN IP4 0.0.0.0\na=rtcp:9 IN IP4 0.0.0.0`,
      `a=candidate:1 1 udp 2122260223 ${leg.address} ${leg.port} typ host\na=end-of-candidates`,
      `a=ice-ufrag:${leg.ufrag}\na=ice-pwd:${leg.password}\na=ice-options:trickle`,
      `a=fingerprint:sha-256 ${leg.fingerprint}\na=setup:${setup}\na=mid:${mids[kind]}`,
      ...EXTENSIONS[kind].map(([number, uri]) => `a=extmap:${number} ${uri}`),
      `a=sendrecv\na=msid:stream ${kind}\na=rtcp-mux\na=rtcp-rsize`, CODECS[kind],
      `a=ssrc:${leg[kind]} cname:load\na=ssrc:${leg[kind]} msid:stream ${kind}`);
  }
  for (const { mid, kind } of further)
    lines.push(
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${PAYLOADS[kind]}${RETRANSMISSIONS[kind]}\nc=IN IP4 0.0.0.0`,
      `a=ice-ufrag:${leg.ufrag}\na=ice-pwd:${leg.password}\na=fingerprint:sha-256 ${leg.fingerprint}\na=setup:${setup}\na=mid:${mid}\na=recvonly\na=rtcp-mux`, CODECS[kind]);
  return `${lines.join("\n").replaceAll("\n", "\r\n")}\r\n`;
}

/** Throws when the description is not for the packets that the generator sends. */
export function read(sdp) {
  const value = (pattern) => {
    const found = pattern.exec(sdp);
    if (!found) throw new Error(`no ${pattern} in\n${sdp}`);
    return found[1];
  };
  const mids = {};
  for (const section of sdp.split(/^(?=m=)/m).slice(1)) {
    const kind = /^m=(\w+)/.exec(section)[1];
    mids[kind] ??= /^a=mid:(\S+)/m.exec(section)[1];
    for (const [, number, uri] of section.matchAll(/^a=extmap:(\d+)\S* (\S+)/gm)) {
      const ours = EXTENSIONS[kind].find((entry) => entry[1] === uri);
      if (ours && ours[0] !== Number(number)) throw new Error(`extension ${uri} became ${number}`);
    }
    if (!new RegExp(`^m=\\w+ \\d+ \\S+.* ${PAYLOADS[kind]}\\b`).test(section)) throw new Error(`${kind} has another payload type`);
  }
  const [, address, port] = /^a=candidate:\S+ 1 udp \d+ ([\d.]+) (\d+) typ host/im.exec(sdp) ?? [];
  return {
    mids, address, port: Number(port), setup: value(/^a=setup:(\w+)/m), lite: /^a=ice-lite/m.test(sdp),
    ufrag: value(/^a=ice-ufrag:(\S+)/m), password: value(/^a=ice-pwd:(\S+)/m), fingerprint: value(/^a=fingerprint:sha-256 (\S+)/im),
  };
}
