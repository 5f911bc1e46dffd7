// The least a server of drafts can do: hands every message of one socket to the others of its path,
// undecoded. What the clients measure through it is their own share of the time.
import { WebSocketServer } from "ws";

const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });
server.on("connection", (socket, request) => {
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(socket));
  socket.on("message", (message) => {
    if (message[0] === 0 && message[1] === 0) socket.send(Buffer.from([0, 1, 2, 0, 0])); // an empty step 2
    else for (const other of room) if (other !== socket) other.send(message);
  });
  socket.on("close", () => room.delete(socket));
});
server.on("listening", () => console.log("ready"));
