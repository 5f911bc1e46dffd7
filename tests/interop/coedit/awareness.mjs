// Awareness with y-protocols on the other side: what either says the other understands.
//   node awareness.mjs HOST
import assert from 'node:assert/strict'
import * as Y from 'yjs'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import { Host, bytes, hex } from './host.mjs'

const host = new Host(process.argv[2])
const awareness = new Awareness(new Y.Doc())
const theirs = () => Object.fromEntries(awareness.getStates())
const say = async (clients, now) => {
  const answer = await host.ask('awareness-apply', null, { update: hex(encodeAwarenessUpdate(awareness, clients)), now })
  assert.equal(answer.error, undefined)
  return answer.states
}
const hear = async now => {
  const { update, states } = await host.ask('awareness-encode', null, { now, clients: [awareness.clientID, 7] })
  applyAwarenessUpdate(awareness, bytes(update), 'host')
  return states
}

awareness.setLocalState({ name: 'Éva', at: ['form', 'name'] })
const own = String(awareness.clientID)
assert.deepEqual((await say([awareness.clientID], 1000))[own], awareness.getLocalState())

// a state the host sets for itself is taken at once, and its changes and removal too
await host.ask('awareness-set', null, { client: 7, state: { box: true }, now: 1000 })
await hear(1000)
assert.deepEqual(theirs()['7'], { box: true })
await host.ask('awareness-set', null, { client: 7, state: { box: 2 }, now: 2000 })
await hear(2000)
assert.deepEqual(theirs()['7'], { box: 2 })
await host.ask('awareness-set', null, { client: 7, state: null, now: 3000 })
await hear(3000)
assert.equal(theirs()['7'], undefined)

// 30 s without renewal: the host drops the client, who hears of it and insists
assert.deepEqual(Object.keys(await hear(31000)), [])
assert.notEqual(awareness.getLocalState(), null)
assert.deepEqual((await say([awareness.clientID], 31000))[own], awareness.getLocalState())

// a peer that says goodbye
removeAwarenessStates(awareness, [awareness.clientID], 'test')
assert.equal((await say([awareness.clientID], 32000))[own], undefined)
awareness.destroy()
await host.end()
console.log('awareness: the engine and y-protocols understand each other')
