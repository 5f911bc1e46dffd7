// The figures of coedit-measure for a peer of the engine:
//   node --expose-gc peer.mjs yjs|ywasm [--forms COUNT] HISTORY
//   node --expose-gc peer.mjs yjs|ywasm --typing EDITS
// Memory is V8's heap of one document, or of each of COUNT documents. Of ywasm it is not measured:
// its documents lie in a WebAssembly memory that tells nobody how full it is.
import { readFileSync } from 'node:fs'

const rounds = 9

// yjs as a module: its CommonJS form is a good deal slower
const peers = {
  yjs: Y => ({ make: () => new Y.Doc(), apply: Y.applyUpdate, encode: Y.encodeStateAsUpdate, vector: Y.encodeStateVector, listen: (doc, heard) => doc.on('update', heard), free: () => {} }),
  ywasm: Y => ({ make: () => new Y.YDoc(), apply: Y.applyUpdate, encode: Y.encodeStateAsUpdate, vector: Y.encodeStateVector, listen: (doc, heard) => doc.onUpdate(heard), free: doc => doc.free() })
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

/** Edits of one's own; somebody listens for the updates, as a provider does. */
const typing = (peer, lines) => {
  const edits = lines.split('\n').slice(0, -1).map(line => {
    const [, at, deleted, text] = /^(\d+) (\d+) (.*)$/s.exec(line)
    return [Number(at), Number(deleted), text]
  })
  return timed(3, () => {
    let bytes = 0
    const doc = peer.make()
    const text = doc.getText('text')
    peer.listen(doc, update => { bytes += update.length })
    for (const [at, deleted, inserted] of edits) {
      if (deleted > 0) text.delete(at, deleted)
      else text.insert(at, inserted)
    }
    if (bytes === 0) throw new Error('no updates')
    peer.free(doc)
  })
}

const [name, ...rest] = process.argv.slice(2)
const peer = peers[name](await import(name))
if (rest[0] === '--typing') {
  console.log(JSON.stringify({ typing_ms: typing(peer, readFileSync(rest[1], 'utf8')) }))
  process.exit()
}
const forms = rest[0] === '--forms' ? Number(rest[1]) : 0
const { make, apply, encode, vector, free } = peer
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
