// What coedit-measure does, for a peer of the engine:
//   node --expose-gc peer.mjs yjs|ywasm HISTORY
//   node --expose-gc peer.mjs yjs|ywasm --typing EDITS
//   node --expose-gc peer.mjs yjs --forms COUNT HISTORY
// Memory is V8's heap of one document, or of each of COUNT documents. Of ywasm it is not measured:
// its documents lie in a WebAssembly memory that tells nobody how full it is.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const repeat = 20 // of encoding, in one round

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

const timed = work => {
  const start = performance.now()
  work()
  return performance.now() - start
}

const heapOf = make => {
  gc()
  const before = process.memoryUsage().heapUsed
  const kept = make()
  gc()
  return [process.memoryUsage().heapUsed - before, kept]
}

/** Edits of one's own; somebody listens for the updates, as a provider does. */
const readEdits = lines => lines.split('\n').slice(0, -1).map(line => {
  const [, at, deleted, text] = /^(\d+) (\d+) (.*)$/s.exec(line)
  return [Number(at), Number(deleted), text]
})

const type = (peer, edits) => timed(() => {
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

/** A line of input says what to measure; the answer is a line of JSON. */
const answer = async measure => {
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(measure(line)))
}

const peak = () => process.resourceUsage().maxRSS * 1024

/** The history once, and what it leaves for the rounds that follow. */
const prepare = ({ make, apply, encode, vector, free }, updates) => {
  gc()
  const before = peak()
  const doc = make()
  let early = vector(doc)
  updates.forEach((update, index) => {
    if (index === updates.length - Math.floor(updates.length / 100)) early = vector(doc)
    apply(doc, update)
  })
  const snapshot = encode(doc)
  const replayed = () => {
    const copy = make()
    for (const update of updates) apply(copy, update)
    return copy
  }
  const loaded = () => {
    const copy = make()
    apply(copy, snapshot)
    return copy
  }
  const copy = loaded()
  const all = { early, now: vector(doc), copy, replayed, loaded, snapshotBytes: snapshot.length, peakBytes: peak() - before }
  free(doc)
  return all
}

const measures = ({ encode, free }, updates, { early, now, copy, replayed, loaded, snapshotBytes, peakBytes }) => {
  const encoding = (states, before = () => {}) => {
    let time = 0
    for (let i = 1; i <= repeat; i++) {
      before(i)
      time += timed(() => encode(copy, states))
    }
    return time / repeat
  }
  const text = copy.getText('text')
  const making = make => {
    let doc
    const time = timed(() => { doc = make() })
    free(doc)
    return time
  }
  return {
    info: () => ({ updates: updates.length, snapshot_bytes: snapshotBytes, peak_bytes: peakBytes }),
    memory: () => ({ typed: heapOf(replayed)[0], loaded: heapOf(loaded)[0] }),
    apply: () => making(replayed),
    load: () => making(loaded),
    all: () => encoding(new Uint8Array([0])),
    some: () => encoding(early),
    none: () => encoding(now),
    changed: () => encoding(now, i => text.delete(Math.floor(text.length * i / (repeat + 1)), 1))
  }
}

const [name, ...rest] = process.argv.slice(2)
const peer = peers[name](await import(name))
if (rest[0] === '--typing') {
  const edits = readEdits(readFileSync(rest[1], 'utf8'))
  await answer(count => type(peer, edits.slice(0, Number(count))))
} else {
  const updates = readHistory(readFileSync(rest.at(-1)))
  const ready = prepare(peer, updates)
  if (rest[0] === '--forms') {
    const count = Number(rest[1])
    const each = make => Math.round(heapOf(() => Array.from({ length: count }, make))[0] / count)
    console.log(JSON.stringify({ typed: each(ready.replayed), loaded: each(ready.loaded) }))
  } else {
    const all = measures(peer, updates, ready)
    await answer(line => all[line]())
  }
}
