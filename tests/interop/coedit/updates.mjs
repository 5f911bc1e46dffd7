// Updates as bytes, by the engine and by yjs: merging, cutting, state vectors, format v2; and
// snapshots of documents that keep their history.
//   node updates.mjs HOST [COUNT [SEED]]
import assert from 'node:assert/strict'
import * as Y from 'yjs'
import { Host, bytes, hex, times } from './host.mjs'
import { Random, edit, jsonOf, roots } from './peers.mjs'

const [program, given, first = process.env.ABLAK_SEED ?? '1'] = process.argv.slice(2)
const count = given ?? times(300)

const history = random => {
  const updates = []
  const docs = [0, 1, 2].map(() => {
    const doc = new Y.Doc({ gc: random.chance(0.5) })
    doc.clientID = random.below(2 ** 32)
    jsonOf(doc)
    doc.on('update', update => updates.push(update))
    return doc
  })
  for (let step = 10 + random.below(20); step > 0; step--) {
    edit(random, random.pick(docs))
    if (updates.length > 0 && random.chance(0.3)) Y.applyUpdate(random.pick(docs), random.pick(updates))
  }
  return { docs, updates }
}

const docOf = (...updates) => {
  const doc = new Y.Doc()
  jsonOf(doc)
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

const same = (one, other) => {
  assert.deepEqual(jsonOf(one), jsonOf(other))
  assert.equal(hex(Y.encodeStateVector(one)), hex(Y.encodeStateVector(other)))
}

const states = vector => Object.fromEntries(Y.decodeStateVector(vector))

const check = async (host, random) => {
  const ask = async (op, members) => {
    const answer = await host.ask(op, null, members)
    assert.equal(answer.error, undefined)
    return bytes(answer.update)
  }
  const { docs, updates } = history(random)
  const some = updates.filter(() => random.chance(0.8))
  const merged = await ask('merge', { updates: some.map(hex) })
  const theirs = Y.mergeUpdates(some.length > 0 ? some : [merged])
  same(docOf(merged, ...updates), docOf(...updates))
  assert.deepEqual(jsonOf(docOf(merged)), jsonOf(docOf(...some)))
  if (some.length > 0) assert.deepEqual(states(await ask('vector', { update: hex(theirs) })), states(Y.encodeStateVectorFromUpdate(theirs)))

  const vector = Y.encodeStateVector(random.pick(docs))
  const cut = await ask('cut', { update: hex(theirs), vector: hex(vector) })
  same(docOf(Y.encodeStateAsUpdate(docs[0]), cut, ...updates), docOf(Y.encodeStateAsUpdate(docs[0]), ...updates))

  for (const doc of docs) {
    const state = Y.encodeStateAsUpdate(doc)
    const v2 = await ask('to-v2', { update: hex(state) })
    const copy = new Y.Doc()
    Y.applyUpdateV2(copy, v2)
    same(copy, docOf(state))
    same(docOf(await ask('from-v2', { update: hex(Y.encodeStateAsUpdateV2(doc)) })), docOf(state))
    same(docOf(await ask('from-v2', { update: hex(v2) })), docOf(state))
  }
  for (const update of [...some, merged]) {
    const copy = new Y.Doc()
    Y.applyUpdateV2(copy, await ask('to-v2', { update: hex(update) }))
    assert.deepEqual(jsonOf(copy), jsonOf(docOf(update)))
  }
}

const checkSnapshot = async (host, random) => {
  const doc = new Y.Doc({ gc: false })
  doc.clientID = random.below(2 ** 32)
  jsonOf(doc)
  await host.ask('new', 'kept', { gc: false })
  doc.on('update', update => host.ask('apply', 'kept', { update: hex(update) }))
  for (let step = random.below(15); step > 0; step--) edit(random, doc)
  const then = jsonOf(doc)
  const { update } = await host.ask('snapshot', 'kept')
  assert.ok(Y.equalSnapshots(Y.decodeSnapshot(bytes(update)), Y.snapshot(doc)))
  for (let step = random.below(15); step > 0; step--) edit(random, doc)
  assert.equal((await host.ask('at-snapshot', 'kept', { update, as: 'old' })).error, undefined)
  assert.deepEqual((await host.ask('state', 'old', { roots })).json, then)
  assert.deepEqual((await host.ask('state', 'kept', { roots })).json, jsonOf(doc))
}

// What no API writes, but updates can say: an entry of a map with three values, something between the
// second and the third, and then the map goes: of the entry, its last item alone goes with it.
const checkFrontOfEntry = async host => {
  const doc = new Y.Doc({ gc: false })
  jsonOf(doc)
  await host.ask('new', 'front', { gc: false })
  const updates = ['010107002701036d6170026b300100', '0101070128000700026b330378787800', '01010900880702017900', '01010901880700017900']
  for (const update of updates) {
    Y.applyUpdate(doc, bytes(update))
    assert.equal((await host.ask('apply', 'front', { update })).error, undefined)
  }
  const { update } = await host.ask('snapshot', 'front')
  const theirs = Y.snapshot(doc)
  assert.ok(Y.equalSnapshots(Y.decodeSnapshot(bytes(update)), theirs))
  assert.ok(theirs.ds.clients.get(7).some(({ clock, len }) => clock === 3 && len === 1))
  assert.deepEqual((await host.ask('state', 'front', { roots })).json, jsonOf(doc))
}

const host = new Host(program)
await checkFrontOfEntry(host)
const start = Number(first)
for (let seed = start; seed < start + Number(count); seed++) {
  try {
    await check(host, new Random(seed))
    await checkSnapshot(host, new Random(seed, true))
  } catch (error) {
    console.error(`seed ${seed} fails: ${error.stack}`)
    console.error(`replay: node updates.mjs ${program} 1 ${seed}`)
    process.exit(1)
  }
}
await host.end()
console.log(`${count} histories from seed ${start}: merged, cut and converted as yjs does`)
