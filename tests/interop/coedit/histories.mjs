// Random concurrent histories: three to six yjs peers and the engine, whose updates reach each
// other partly, repeatedly and in any order, in format v1 and v2; some peers undo and redo, some
// write at one place at once; at the end all must hold the same.
//   node histories.mjs HOST [COUNT [SEED]]     a failing seed is printed; COUNT 1 replays it
import assert from 'node:assert/strict'
import * as Y from 'yjs'
import { Host, bytes, hex, times } from './host.mjs'
import { Random, deltasOf, edit, jsonOf, roots, rootsOf, someText, someValue } from './peers.mjs'

const [program, given, first = process.env.ABLAK_SEED ?? '1'] = process.argv.slice(2)
const count = given ?? times(2000)

const engineOps = random => ({
  roots,
  ops: Array.from({ length: 1 + random.below(3) }, () => ({
    numbers: Array.from({ length: 4 }, () => random.below(1 << 20)),
    value: someValue(random),
    text: someText(random)
  }))
})

class History {
  constructor (host, seed) {
    this.host = host
    this.random = new Random(seed)
    this.updates = [] // [author, bytes]
    this.engine = 'engine'
  }

  async begin () {
    const { random } = this
    const wide = random.chance(0.2)
    this.peers = Array.from({ length: 3 + random.below(4) }, (_, index) => {
      const doc = new Y.Doc({ gc: random.chance(0.7) })
      doc.clientID = wide ? 2 ** 40 + random.below(2 ** 32) * 4096 + index : random.below(2 ** 32)
      doc.on('update', update => this.updates.push([index, update]))
      if (random.chance(0.8)) jsonOf(doc) // declares its roots
      return doc
    })
    this.undo = this.peers.map(doc => random.chance(0.3) ? new Y.UndoManager(rootsOf(doc), { captureTimeout: 0 }) : null)
    const client = wide ? 2 ** 50 + random.below(2 ** 32) : 1 + random.below(2 ** 32 - 1)
    await this.host.ask('new', this.engine, { client, gc: random.chance(0.7) })
  }

  /** As a stock provider does it: what comes from others is not the peer's own to undo. */
  take (doc, update) {
    if (this.random.chance(0.1)) Y.applyUpdateV2(doc, Y.convertUpdateFormatV1ToV2(update), 'others')
    else Y.applyUpdate(doc, update, 'others')
  }

  async give (update, want = 0) {
    if (this.random.chance(0.1)) {
      const answer = await this.host.ask('from-v2', null, { update: hex(Y.convertUpdateFormatV1ToV2(update)) })
      assert.equal(answer.error, undefined)
      update = bytes(answer.update)
    }
    const answer = await this.host.ask('apply', this.engine, { update: hex(update), want })
    assert.equal(answer.error, undefined)
    return answer
  }

  async change () {
    const answer = await this.host.ask('change', this.engine, engineOps(this.random))
    assert.equal(answer.error, undefined)
    if (answer.update !== null) this.updates.push([-1, bytes(answer.update)])
  }

  /** One update or a merge of some, to one receiver: late, again, out of order. */
  async deliver () {
    const { random, updates, peers } = this
    if (updates.length === 0) return
    let update = random.pick(updates)[1]
    if (random.chance(0.15)) update = Y.mergeUpdates(Array.from({ length: 1 + random.below(4) }, () => random.pick(updates)[1]))
    const to = random.below(peers.length + 2)
    if (to < peers.length) this.take(peers[to], update)
    else await this.give(update, random.pick([0, 1, 3, 7]))
  }

  async exchange () {
    const { random, peers } = this
    const from = random.below(peers.length)
    if (random.chance(0.5)) {
      await this.give(Y.encodeStateAsUpdate(peers[from]))
    } else {
      const { update } = await this.host.ask('diff', this.engine, { vector: hex(Y.encodeStateVector(peers[from])) })
      this.take(peers[from], bytes(update))
    }
  }

  /** Everybody writes at one place, before they hear of each other. */
  collide () {
    const { random, peers } = this
    const index = random.below(6)
    for (const doc of peers) {
      const text = doc.getText('text')
      text.insert(Math.min(index, text.length), someText(random))
    }
  }

  undoOrRedo () {
    const manager = this.random.pick(this.undo)
    if (this.random.chance(0.7)) manager?.undo()
    else manager?.redo()
  }

  async play () {
    const { random, peers } = this
    for (let steps = 20 + random.below(60); steps > 0; steps--) {
      const roll = random.next()
      if (roll < 0.45) {
        const doc = random.pick(peers)
        if (random.chance(0.3)) doc.transact(() => { for (let n = random.below(4); n >= 0; n--) edit(random, doc) })
        else edit(random, doc)
      } else if (roll < 0.47) this.collide()
      else if (roll < 0.5) this.undoOrRedo()
      else if (roll < 0.58) await this.change()
      else if (roll < 0.95) await this.deliver()
      else await this.exchange()
    }
  }

  /** yjs tidies formatting when it sees remote changes, so it may take some rounds. */
  async settle () {
    const { peers } = this
    for (let round = 0; round < 12; round++) {
      const before = this.updates.length
      for (const doc of peers) await this.give(Y.encodeStateAsUpdate(doc))
      const { update } = await this.host.ask('diff', this.engine, { vector: '00' })
      for (const doc of peers) {
        this.take(doc, bytes(update))
        for (const other of peers) if (other !== doc) this.take(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)))
      }
      if (round > 0 && this.updates.length === before) return
    }
    assert.fail('the peers did not settle')
  }

  async check () {
    const { peers } = this
    const state = await this.host.ask('state', this.engine, { roots })
    const expected = jsonOf(peers[0])
    for (const doc of peers) assert.deepEqual(jsonOf(doc), expected, 'yjs peers differ')
    assert.equal(state.pending, false)
    assert.deepEqual(state.json, expected)
    assert.deepEqual(state.deltas, deltasOf(peers[0]))
    assert.equal(state.vector, hex(Y.encodeStateVector(peers[0])))
    const copy = new Y.Doc()
    Y.applyUpdate(copy, bytes(state.update))
    assert.deepEqual(jsonOf(copy), expected)
    assert.ok(Y.equalSnapshots(Y.snapshot(copy), Y.snapshot(peers[0])), 'snapshots differ')
    await this.host.ask('new', 'copy', {})
    assert.equal((await this.host.ask('apply', 'copy', { update: state.update })).error, undefined)
    assert.deepEqual((await this.host.ask('state', 'copy', { roots })).json, expected)
  }

  async run () {
    await this.begin()
    await this.play()
    await this.settle()
    await this.check()
    for (const doc of this.peers) doc.destroy()
  }
}

const host = new Host(program)
const start = Number(first)
for (let seed = start; seed < start + Number(count); seed++) {
  try {
    await new History(host, seed).run()
  } catch (error) {
    console.error(`seed ${seed} fails: ${error.stack}`)
    console.error(`replay: node histories.mjs ${program} 1 ${seed}`)
    process.exit(1)
  }
}
await host.end()
console.log(`${count} histories from seed ${start}: the engine and yjs ${(await import('yjs/package.json', { with: { type: 'json' } })).default.version} agree`)
