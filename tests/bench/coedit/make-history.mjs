// Makes a history for ydoc-replay: one update an edit, each behind its length as a varint.
//   node make-history.mjs OUT EDITS [SEED]   two people typing, correcting and moving about
//   node make-history.mjs OUT TRACE.json     a recorded trace: {"txns":[{"patches":[[at,del,text]]}]}
import { readFileSync, writeFileSync } from 'node:fs'
import * as Y from 'yjs'
import { Random } from '../../interop/coedit/peers.mjs'

const [out, source, seed = '1'] = process.argv.slice(2)
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

const typed = (edits, random) => {
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
  const letters = 'etaoinshrdlu áéíóöő  '
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

if (/^\d+$/.test(source)) typed(Number(source), new Random(Number(seed)))
else fromTrace(source)
writeFileSync(out, Buffer.concat(chunks))
