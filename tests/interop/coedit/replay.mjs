// tests/bench/ydoc-replay on small histories: its JSON is what yjs holds, its figures are there, and
// a damaged file is refused.
//   node replay.mjs PROGRAM
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Y from 'yjs'
import { Random, edit, jsonOf } from './peers.mjs'

const program = process.argv[2]
const folder = mkdtempSync(join(tmpdir(), 'ablak-replay-'))

const varint = number => {
  const bytes = []
  for (; number > 127; number >>= 7) bytes.push(number & 127 | 128)
  return Buffer.from([...bytes, number])
}

const history = (seed, edits) => {
  const random = new Random(seed)
  const chunks = []
  const docs = [1, 2, 3].map(id => {
    const doc = new Y.Doc()
    doc.clientID = id
    jsonOf(doc) // declares its roots
    doc.on('update', update => chunks.push(Buffer.concat([varint(update.length), update])))
    return doc
  })
  for (let step = 0; step < edits; step++) {
    edit(random, random.pick(docs))
    if (random.chance(0.2)) Y.applyUpdate(random.pick(docs), Y.encodeStateAsUpdate(random.pick(docs)))
  }
  for (const doc of docs) if (doc !== docs[0]) Y.applyUpdate(docs[0], Y.encodeStateAsUpdate(doc))
  return { file: Buffer.concat(chunks), updates: chunks.length, json: jsonOf(docs[0]) }
}

const run = (bytes, ...options) => {
  const file = join(folder, 'history')
  writeFileSync(file, bytes)
  return spawnSync(program, [...options, file], { encoding: 'utf8' })
}

const isEmpty = value => value === undefined || Object.keys(value).length === 0 // of a string: its characters

try {
  let texts = 0, markup = 0
  for (let seed = 1; seed <= 20; seed++) {
    // enough edits in some that a client's items fill several leaves
    const { file, updates, json } = history(seed, seed <= 2 ? 3000 : 20 * seed)
    const told = run(file, '--json')
    assert.equal(told.status, 0, told.stderr)
    assert.equal(told.stderr, '')
    const roots = JSON.parse(told.stdout)
    for (const name of Object.keys(json)) {
      if (isEmpty(json[name])) assert.ok(isEmpty(roots[name]), `seed ${seed}: ${name}`)
      else assert.deepEqual(roots[name], json[name], `seed ${seed}: ${name}`)
    }
    texts += typeof roots.text === 'string'
    markup += typeof roots.xml === 'string'
    const figures = JSON.parse(run(file).stdout)
    assert.deepEqual(Object.keys(figures), ['updates', 'apply_ms', 'snapshot_bytes', 'load_ms', 'peak_bytes'])
    assert.equal(figures.updates, updates)
    for (const figure of Object.values(figures)) assert.equal(typeof figure, 'number')
  }
  assert.ok(texts > 10 && markup > 5)

  const { file } = history(1, 30)
  for (const cut of [1, 2, 7, file.length - 3]) {
    for (const options of [[], ['--json']]) {
      const refused = run(file.subarray(0, file.length - cut), ...options)
      assert.equal(refused.status, 1)
      assert.equal(refused.stdout, '')
      assert.match(refused.stderr, /ydoc-replay: (the file is cut short in )?update \d+, at byte \d+/)
    }
  }
  const wrong = run(Buffer.concat([file, Buffer.from([3, 1, 2, 3])]))
  assert.equal(wrong.status, 1)
  assert.match(wrong.stderr, /update \d+, at byte \d+: not a well-formed update/)
  assert.notEqual(spawnSync(program, [join(folder, 'nothing')]).status, 0)
  assert.notEqual(spawnSync(program, []).status, 0)
  console.log('ydoc-replay tells what yjs holds, and refuses damaged files')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
