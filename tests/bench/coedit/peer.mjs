// The figures of coedit-measure for a peer of the engine:
//   node --expose-gc peer.mjs yjs|ywasm [--forms COUNT] HISTORY
// Memory is V8's heap of one document, or of each of COUNT documents. Of ywasm it is not measured:
// its documents lie in a WebAssembly memory that tells nobody how full it is.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(import.meta.url)
const rounds = 9

const peers = {
  yjs: Y => ({ make: () => new Y.Doc(), apply: Y.applyUpdate, encode: Y.encodeStateAsUpdate, vector: Y.encodeStateVector, free: () => {} }),
  ywasm: Y => ({ make: () => new Y.YDoc(), apply: Y.applyUpdate, encode: Y.encodeStateAsUpdate, vector: Y.encodeStateVector, free: doc => doc.free() })
}

const readHistory = file => {
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
  return updates
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1]

const timed = (count, work) => median(Array.from({ length: count }, () => {
  const start = performance.now()
  work()
  return performance.now() - start
}))

const heapOf = make => {
  gc()
  const before = process.memoryUsage().heapUsed
  const kept = make()
  gc()
  return [process.memoryUsage().heapUsed - before, kept]
}

const [name, ...rest] = process.argv.slice(2)
const forms = rest[0] === '--forms' ? Number(rest[1]) : 0
const { make, apply, encode, vector, free } = peers[name](require(name))
const updates = readHistory(readFileSync(rest.at(-1)))

const replayed = () => {
  const doc = make()
  for (const update of updates) apply(doc, update)
  return doc
}

gc()
const peak = () => process.resourceUsage().maxRSS * 1024
const peakBefore = peak()
const first = make()
let early = vector(first)
updates.forEach((update, index) => {
  if (index === updates.length - Math.floor(updates.length / 100)) early = vector(first)
  apply(first, update)
})
const snapshot = encode(first)

const loaded = () => {
  const doc = make()
  apply(doc, snapshot)
  return doc
}

const peakBytes = (free(loaded()), peak() - peakBefore)

const measureForms = () => {
  const many = one => Math.round(heapOf(() => Array.from({ length: forms }, one))[0] / forms)
  return { replayed_bytes: many(replayed), loaded_bytes: many(loaded) }
}

const measureOne = () => {
  const [replayedBytes, doc] = heapOf(replayed)
  const [loadedBytes, copy] = heapOf(loaded)
  const encoding = states => timed(rounds, () => encode(copy, states))
  return {
    updates: updates.length,
    snapshot_bytes: snapshot.length,
    apply_ms: timed(3, () => free(replayed())),
    load_ms: timed(rounds, () => free(loaded())),
    encode_all_ms: encoding(new Uint8Array([0])),
    encode_some_ms: encoding(early),
    encode_none_ms: encoding(vector(doc)),
    replayed_bytes: replayedBytes,
    loaded_bytes: loadedBytes,
    peak_bytes: peakBytes
  }
}

console.log(JSON.stringify(forms > 0 ? measureForms() : measureOne()))
