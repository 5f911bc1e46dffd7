// What a browser's page is driven by. `tell` is provided by whoever drives it.
import { Peer } from "/peer.js";

window.ends = new Map();

window.join = async (id, trickle) => {
  window.media ??= await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  const found = (candidate, mid) => window.tell({ id, candidate, mid });
  const peer = new Peer(RTCPeerConnection, window.media.getTracks(), trickle, found);
  window.ends.set(id, peer);
  // What nobody looks at or listens to need not be decoded.
  peer.pc.ontrack = ({ track }) => {
    const element = document.createElement(track.kind);
    element.autoplay = element.playsInline = true;
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
  };
};

window.part = (id) => {
  window.ends.get(id).close();
  window.ends.delete(id);
  if (window.ends.size === 0) document.body.replaceChildren();
};
