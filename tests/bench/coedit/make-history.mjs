// Makes a history for ydoc-replay: one update an edit, each behind its length as a varint.
//   node make-history.mjs OUT two EDITS [SEED]    two people typing, correcting and moving about
//   node make-history.mjs OUT one EDITS [SEED]    one author, as recorded typing traces look: runs of
//                                                 letters, second thoughts, jumps near and far;
//                                                 OUT.edits says it as lines "AT DELETED TEXT"
//   node make-history.mjs OUT form FIELDS [SEED]  a form: the office lays out texts and values, a
//                                                 citizen and a clerk fill them in
//   node make-history.mjs OUT trace TRACE.json    a recorded one: {"txns":[{"patches":[[at,del,text]]}]}
import { readFileSync, writeFileSync } from 'node:fs'
import * as Y from 'yjs'
import { Random } from '../../interop/coedit/peers.mjs'

const [out, mode, source, seed = '1'] = process.argv.slice(2)
const chunks = []

const varint = number => {
  const bytes = []
  for (; number > 127; number = Math.floor(number / 128)) bytes.push(number % 128 + 128)
  return Buffer.from([...bytes, number])
}

const record = doc => doc.on('update', (update, origin) => {
  if (origin !== 'other') chunks.push(varint(update.length), update)
})

const fromTrace = file => {
  const doc = new Y.Doc()
  record(doc)
  const text = doc.getText('text')
  for (const { patches } of JSON.parse(readFileSync(file, 'utf8')).txns) {
    for (const [at, deleted, inserted] of patches) {
      if (deleted > 0) text.delete(at, deleted)
      if (inserted.length > 0) text.insert(at, inserted)
    }
  }
}

const letters = 'etaoinshrdlu áéíóöő  '

const twoPeople = (edits, random) => {
  const docs = [1, 2].map(id => {
    const doc = new Y.Doc()
    doc.clientID = 1000 + id
    record(doc)
    return doc
  })
  docs.forEach((doc, index) => doc.on('update', (update, origin) => {
    if (origin !== 'other') Y.applyUpdate(docs[1 - index], update, 'other')
  }))
  const cursors = [0, 0]
  for (let edit = 0; edit < edits; edit++) {
    const who = random.below(20) === 0 ? random.below(2) : edit % 40 < 30 ? 0 : 1
    const text = docs[who].getText('text')
    if (random.below(60) === 0) cursors[who] = random.below(text.length + 1)
    const at = Math.min(cursors[who], text.length)
    if (random.below(8) === 0 && at > 0) {
      text.delete(at - 1, 1)
      cursors[who] = at - 1
    } else {
      text.insert(at, random.pick(letters))
      cursors[who] = at + 1
    }
  }
}

const oneAuthor = (edits, random) => {
  const doc = new Y.Doc()
  doc.clientID = 1001
  record(doc)
  const text = doc.getText('text')
  const lines = []
  const replace = (at, deleted, inserted) => {
    lines.push(`${at} ${deleted} ${inserted}\n`)
    if (deleted > 0) text.delete(at, deleted)
    else text.insert(at, inserted)
  }
  const run = mean => 1 + Math.floor(-mean * Math.log(1 - random.next()))
  let cursor = 0
  for (let left = edits; left > 0;) {
    if (random.chance(0.3) && cursor > 0) {
      for (let n = Math.min(run(8), cursor, left); n > 0; n--, left--) replace(--cursor, 1, '')
    } else {
      for (let n = Math.min(run(12), left); n > 0; n--, left--) replace(cursor++, 0, random.pick(letters))
    }
    if (random.chance(0.25)) cursor += random.below(400) - 200
    else if (random.chance(0.05)) cursor = random.chance(0.6) ? text.length : random.below(text.length)
    cursor = Math.max(0, Math.min(text.length, cursor))
  }
  writeFileSync(out + '.edits', lines.join(''))
}

const aForm = (fields, random) => {
  const docs = [1001, 1002, 1003].map(id => {
    const doc = new Y.Doc()
    doc.clientID = id
    record(doc)
    return doc
  })
  for (const doc of docs) {
    doc.on('update', (update, origin) => {
      if (origin !== 'other') for (const other of docs) if (other !== doc) Y.applyUpdate(other, update, 'other')
    })
  }
  const root = docs[0].getMap('form')
  const isText = field => field % 5 > 0
  docs[0].transact(() => {
    for (let field = 0; field < fields; field++) if (isText(field)) root.set('field-' + field, new Y.Text())
  })
  for (let field = 0; field < fields; field++) {
    const doc = docs[random.below(6) === 0 ? 2 : 1], map = doc.getMap('form'), name = 'field-' + field
    if (!isText(field)) {
      map.set(name, random.pick([true, 'married', 12, '1984-02-29']))
      if (random.chance(0.3)) map.set(name, false)
      continue
    }
    const text = map.get(name), wanted = 15 + random.below(11)
    while (text.length < wanted) {
      if (text.length > 0 && random.below(20) === 0) text.delete(text.length - 1, 1)
      else text.insert(text.length, random.pick(letters))
    }
    if (random.chance(0.2)) docs[2].getMap('form').get(name).insert(random.below(wanted), random.pick(letters))
  }
}

const make = {
  form: () => aForm(Number(source), new Random(Number(seed))),
  two: () => twoPeople(Number(source), new Random(Number(seed))),
  one: () => oneAuthor(Number(source), new Random(Number(seed))),
  trace: () => fromTrace(source)
}
make[mode]()
writeFileSync(out, Buffer.concat(chunks))
