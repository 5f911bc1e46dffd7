// Who may include whom, as README.md's architecture says it.

const DOMAIN = ["core", "store", "schema"];
const DOMAINS = ["accounts", "queue", "forms", "filings", "cases", "recordings", "kb", "sync", "provisioning"];

// Folder -> the other folders it may include from. A folder always sees itself.
export const folders = {
  "appliance/core": { name: "core", sees: [] },
  "appliance/store": { name: "store", sees: ["core"] },
  "appliance/schema": { name: "schema", sees: ["core"] },
  "appliance/http": { name: "http", sees: ["core", "schema"] },
  "appliance/accounts": { name: "accounts", sees: DOMAIN },
  "appliance/queue": { name: "queue", sees: DOMAIN },
  "appliance/forms": { name: "forms", sees: DOMAIN },
  "appliance/filings": { name: "filings", sees: DOMAIN },
  "appliance/cases": { name: "cases", sees: DOMAIN },
  "appliance/recordings": { name: "recordings", sees: DOMAIN },
  kb: { name: "kb", sees: DOMAIN },
  sync: { name: "sync", sees: DOMAIN },
  provisioning: { name: "provisioning", sees: DOMAIN },
  video: { name: "video", sees: ["core"] },
  // The joiners: what both daemons share, the two daemons, and the command line for both.
  "appliance/daemon": { name: "daemon", sees: [...DOMAIN, "http", ...DOMAINS] },
  "appliance/box": { name: "box", sees: [...DOMAIN, "http", "daemon", ...DOMAINS], headers: ["video/control.h", "video/recorder/seal.h"] },
  "appliance/hq": { name: "hq", sees: [...DOMAIN, "http", "daemon", ...DOMAINS] },
  "provisioning/cli": { name: "cli", prefix: "provisioning/cli", sees: [...DOMAIN, "http", "daemon", "box", "hq", ...DOMAINS] },
};

// System headers that only some folders see.
export const libraries = [
  { name: "SQLite", pattern: /^sqlite3/, seenBy: ["store"] },
  { name: "libpq", pattern: /^(libpq-fe|postgresql\/)/, seenBy: ["store"] },
  { name: "libwebsockets", pattern: /^libwebsockets/, seenBy: ["http"] },
  { name: "libnice", pattern: /^nice\//, seenBy: ["video"] },
  { name: "SRTP", pattern: /^srtp/, seenBy: ["video"] },
  { name: "GStreamer", pattern: /^gst\//, seenBy: ["video"] },
  { name: "OpenSSL", pattern: /^openssl\//, seenBy: ["core", "http", "provisioning", "cli", "video"] },
];
