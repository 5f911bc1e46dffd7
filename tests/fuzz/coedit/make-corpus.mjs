// Makes the corpus from real yjs updates. From the repository's root:
//   node tests/fuzz/coedit/make-corpus.mjs
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as Y from 'yjs'
import * as encoding from 'lib0/encoding'
import { Random, edit, jsonOf } from '../../interop/coedit/peers.mjs'

const here = dirname(fileURLToPath(import.meta.url))
for (const part of ['document', 'messages', 'updates']) mkdirSync(join(here, 'corpus-' + part), { recursive: true })
const save = (part, name, bytes) => writeFileSync(join(here, 'corpus-' + part, name), bytes)

const parts = updates => Buffer.concat(updates.map(([choice, update]) => Buffer.concat([Buffer.from([update.length >> 8, update.length & 255, choice]), update])))

// short histories of two peers, as they come and out of order, with and without garbage
for (let seed = 1; seed <= 60; seed++) {
  const random = new Random(seed)
  const updates = []
  const docs = [7, 9].map(id => {
    const doc = new Y.Doc({ gc: seed % 3 > 0 })
    doc.clientID = id
    jsonOf(doc)
    doc.on('update', (update, origin) => origin === 'other' || updates.push([random.below(256), update]))
    return doc
  })
  for (let step = 3 + random.below(8); step > 0; step--) {
    edit(random, random.pick(docs))
    if (random.chance(0.3)) Y.applyUpdate(docs[0], Y.encodeStateAsUpdate(docs[1]), 'other')
  }
  if (seed % 2) updates.sort(() => random.next() - 0.5)
  save('document', `history-${seed}`, parts(updates))
  if (seed <= 20) {
    const chosen = (choice, ...all) => Buffer.concat([Buffer.from([choice]), ...all])
    const state = Y.encodeStateAsUpdate(docs[0])
    save('updates', `v2-${seed}`, chosen(0, Y.encodeStateAsUpdateV2(docs[0])))
    save('updates', `v1-${seed}`, chosen(1, state))
    save('updates', `twice-${seed}`, chosen(2, state, state))
    save('updates', `snapshot-${seed}`, chosen(3, Y.encodeSnapshot(Y.snapshot(docs[seed % 2]))))
  }
  if (seed <= 20) save('document', `merged-${seed}`, parts([[0, Y.mergeUpdates(updates.filter((_, i) => i !== 1).map(([, update]) => update))]]))
  if (seed <= 20) save('document', `state-${seed}`, parts([[7, Y.encodeStateAsUpdate(docs[0])], [7, Y.convertUpdateFormatV2ToV1(Y.encodeStateAsUpdateV2(docs[1]))]]))
}

// content that yjs itself no longer writes
const item = write => {
  const encoder = encoding.createEncoder()
  for (const number of [1, 1, 3, 0]) encoding.writeVarUint(encoder, number)
  write(encoder)
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}
save('document', 'json', parts([[0, item(encoder => {
  encoding.writeUint8(encoder, 2)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarString(encoder, 'list')
  encoding.writeVarUint(encoder, 3)
  for (const text of ['{"a":[1,2.5e3,"\\u00e9"]}', 'undefined', 'null']) encoding.writeVarString(encoder, text)
})]]))
save('document', 'values', parts([[0, item(encoder => {
  encoding.writeUint8(encoder, 8)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarString(encoder, 'list')
  const values = [undefined, null, -5, 2 ** 40, 0.1, 0.5, 10n, true, false, 'é', { a: [{}] }, [[]], new Uint8Array([1, 2])]
  encoding.writeVarUint(encoder, values.length)
  for (const value of values) encoding.writeAny(encoder, value)
})]]))

const message = (...numbers) => (body, raw = false) => {
  const encoder = encoding.createEncoder()
  for (const number of numbers) encoding.writeVarUint(encoder, number)
  if (raw) encoding.writeUint8Array(encoder, body)
  else if (body) encoding.writeVarUint8Array(encoder, body)
  return encoding.toUint8Array(encoder)
}
const text = new TextEncoder()
const awareness = (...entries) => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const [client, clock, state] of entries) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, JSON.stringify(state))
  }
  return encoding.toUint8Array(encoder)
}
save('messages', 'step1', message(0, 0)(new Uint8Array([2, 9, 4, 7, 1])))
save('messages', 'step2', message(0, 1)(new Uint8Array([0, 0])))
save('messages', 'update', message(0, 2)(new Uint8Array([0, 0])))
save('messages', 'awareness', message(1)(awareness([7, 1, { name: 'é', at: ['form', 1] }], [9, 3, null])))
save('messages', 'auth', message(2, 0)(text.encode('no')))
save('messages', 'query', message(3)())
save('messages', 'own', message(100)(new Uint8Array([5]), true))
