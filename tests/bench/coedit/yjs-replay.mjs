// The same as ydoc-replay, by npm yjs: node --expose-gc yjs-replay.mjs FILE
import { readFileSync } from 'node:fs'
import * as Y from 'yjs'

const file = readFileSync(process.argv[2])
const updates = []
for (let at = 0; at < file.length;) {
  let size = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = file[at++]
    size += (byte & 127) * scale
    if (byte < 128) break
  }
  updates.push(new Uint8Array(file.subarray(at, at += size)))
}

const peak = () => process.resourceUsage().maxRSS * 1024
globalThis.gc?.()
const before = peak()
const doc = new Y.Doc()
const text = doc.getText('text')
let start = performance.now()
for (const update of updates) Y.applyUpdate(doc, update)
const apply = performance.now() - start
start = performance.now()
const snapshot = Y.encodeStateAsUpdate(doc)
const encode = performance.now() - start
start = performance.now()
const copy = new Y.Doc()
Y.applyUpdate(copy, snapshot)
const load = performance.now() - start
console.log(JSON.stringify({ updates: updates.length, apply_ms: +apply.toFixed(1), snapshot_bytes: snapshot.length, load_ms: +load.toFixed(2), encode_ms: +encode.toFixed(2), peak_bytes: peak() - before, length: text.length, copied: copy.getText('text').length }))
