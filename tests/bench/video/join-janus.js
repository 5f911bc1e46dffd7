// One person on Janus' side: its own JavaScript client, used as its videocall demo uses it.
/* global Janus, adapter */
import { cipher, clear, firstFrame, show } from "./join-page.js";

const [name, server] = location.hash.slice(1).split("@");
let handle, over, hungUp;

async function tracks() {
  const stream = await navigator.mediaDevices.getUserMedia();
  return stream.getTracks().map((track) => ({ type: track.kind, capture: track, recv: true }));
}

/** A call is over when Janus says so; what comes later would end the next one. */
function begin() {
  over = new Promise((resolve) => (hungUp = resolve));
}

async function accept(offer) {
  begin();
  handle.createAnswer({
    jsep: offer, tracks: await tracks(),
    success: (jsep) => handle.send({ message: { request: "accept" }, jsep }),
    error: (error) => console.error(error),
  });
}

function received(message, jsep) {
  const event = message.result?.event;
  if (message.error) console.error(message.error);
  if (event === "registered") registered();
  else if (event === "incomingcall") accept(jsep);
  else if (event === "accepted" && jsep) handle.handleRemoteJsep({ jsep });
  else if (event === "hangup") {
    handle.hangup();
    hungUp();
  }
}

let registered;
const ready = new Promise((resolve, reject) => {
  registered = resolve;
  Janus.init({
    debug: false,
    dependencies: Janus.useDefaultDependencies({ adapter }),
    callback() {
      const janus = new Janus({
        server, iceServers: [], error: reject,
        success: () => janus.attach({
          plugin: "janus.plugin.videocall",
          success(plugin) {
            handle = plugin;
            handle.send({ message: { request: "register", username: name } });
          },
          error: reject,
          onmessage: received,
          onremotetrack(track, mid, on) {
            if (on && track.kind === "video") show(new MediaStream([track]));
          },
        }),
      });
    },
  });
});

window.person = {
  ready: () => ready,
  async join(other) {
    begin();
    const frame = firstFrame();
    handle.createOffer({
      tracks: await tracks(),
      success: (jsep) => handle.send({ message: { request: "call", username: other }, jsep }),
      error: (error) => console.error(error),
    });
    return frame;
  },
  cipher: () => cipher(handle.webrtcStuff.pc),
  async end(asks) {
    if (asks) handle.send({ message: { request: "hangup" } });
    await over;
    clear();
  },
};
