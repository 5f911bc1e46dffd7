// Field rules: the engine stands in the middle of three yjs peers and refuses what one of them
// does to one root. Nothing it refuses may stay, everything else must, and all must agree.
//   node rules.mjs HOST [COUNT [SEED]]
import assert from 'node:assert/strict'
import * as Y from 'yjs'
import { Host, bytes, hex, times } from './host.mjs'
import { Random, edit, jsonOf, roots } from './peers.mjs'

const [program, given, first = process.env.ABLAK_SEED ?? '1'] = process.argv.slice(2)
const count = given ?? times(500)

const at = (json, path) => path.reduce((value, name) => value?.[name], json)

class Session {
  constructor (host, seed) {
    this.host = host
    this.random = new Random(seed, true)
    this.forbidden = this.random.pick(Object.keys(roots))
    this.refused = 0
  }

  async begin () {
    await this.host.ask('new', 'hub', { client: 1 + this.random.below(2 ** 31), gc: this.random.chance(0.8) })
    this.peers = [0, 1, 2].map(index => {
      const doc = new Y.Doc()
      const peer = { doc, index, up: [], down: [] }
      doc.clientID = this.random.below(2 ** 32)
      jsonOf(doc)
      doc.on('update', (update, origin) => { if (origin !== 'hub') peer.up.push(update) })
      return peer
    })
  }

  async state () { return (await this.host.ask('state', 'hub', { roots })).json }

  /** One update of a peer to the hub, and the hub's answer to all. */
  async up (peer) {
    const update = peer.up.shift()
    const before = await this.state()
    const citizen = peer.index === 0
    const answer = await this.host.ask('apply', 'hub', {
      update: hex(update), origin: peer.index, want: 7, ...(citizen ? { refuse: this.forbidden } : {})
    })
    assert.equal(answer.error, undefined)
    const after = await this.state()
    for (const name of Object.keys(roots)) {
      const told = answer.changes.filter(change => change.path[0] === name)
      if (citizen && name === this.forbidden) assert.deepEqual(after[name], before[name], 'a refused change stays')
      else if (told.length === 0) assert.deepEqual(after[name], before[name], `a change of ${name} is not told`)
    }
    for (const change of answer.changes) {
      assert.equal(change.refused, citizen && change.path[0] === this.forbidden)
      // indexes may have moved, and attributes of texts are not in their JSON
      const parent = change.path.every(name => typeof name === 'string') ? at(before, change.path.slice(0, -1)) : null
      if (parent !== null && typeof parent === 'object' && change.path[0] !== 'xml') assert.deepEqual(change.before, parent[change.path.at(-1)])
    }
    this.refused += answer.refused
    if (answer.update !== null) for (const other of this.peers) other.down.push(bytes(answer.update))
  }

  down (peer) { Y.applyUpdate(peer.doc, peer.down.shift(), 'hub') }

  async play () {
    const { random, peers } = this
    for (let steps = 60; steps > 0; steps--) {
      const peer = random.pick(peers)
      const roll = random.next()
      if (roll < 0.4) edit(random, peer.doc)
      else if (roll < 0.7 && peer.up.length > 0) await this.up(peer)
      else if (peer.down.length > 0) this.down(peer)
    }
    while (peers.some(peer => peer.up.length + peer.down.length > 0)) {
      for (const peer of peers) {
        while (peer.up.length > 0) await this.up(peer)
        while (peer.down.length > 0) this.down(peer)
      }
    }
  }

  async run () {
    await this.begin()
    await this.play()
    const json = await this.state()
    const { vector, pending } = await this.host.ask('state', 'hub', { roots })
    assert.equal(pending, false)
    for (const { doc } of this.peers) {
      assert.deepEqual(jsonOf(doc), json)
      assert.equal(hex(Y.encodeStateVector(doc)), vector)
    }
    return this.refused
  }
}

const host = new Host(program)
const start = Number(first)
let refused = 0
for (let seed = start; seed < start + Number(count); seed++) {
  try {
    refused += await new Session(host, seed).run()
  } catch (error) {
    console.error(`seed ${seed} fails: ${error.stack}`)
    console.error(`replay: node rules.mjs ${program} 1 ${seed}`)
    process.exit(1)
  }
}
await host.end()
assert.ok(refused > 0)
console.log(`${count} sessions from seed ${start}: ${refused} refused changes undone, all peers agree`)
