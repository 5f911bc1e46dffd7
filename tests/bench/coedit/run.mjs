// The Yjs engine beside npm yjs and ywasm on the same histories, each in a process of its own.
//   run.mjs BUILD [HISTORY]    HISTORY: a file for ydoc-replay instead of the made ones
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [build, given] = process.argv.slice(2)
const here = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'ablak-bench-'))
const forms = 5000

const json = (...command) => JSON.parse(execFileSync(command[0], command.slice(1), { encoding: 'utf8' }))
const engine = (...options) => json(join(build, 'tests/bench/coedit/coedit-measure'), ...options)
const replay = history => json(join(build, 'tests/bench/coedit/ydoc-replay'), history)
const node = (...options) => json(process.execPath, '--expose-gc', '--max-old-space-size=6000', join(here, 'peer.mjs'), ...options)
// read off the file: ywasm's package exports nothing but itself
const version = name => JSON.parse(readFileSync(join(dirname(require.resolve(name)), name === 'yjs' ? '..' : '.', 'package.json'), 'utf8')).version
const names = { yjs: `yjs ${version('yjs')}`, ywasm: `ywasm ${version('ywasm')}` }

const row = (name, unit, peer, ours, theirs, goal) => {
  const ratio = ours / theirs
  const short = value => Number(value.toPrecision(4))
  console.log(JSON.stringify({ bench: 'coedit', case: name, unit, ours: short(ours), peer: short(theirs), peer_name: names[peer], ratio: Number(ratio.toFixed(3)), goal: `<=${goal}`, met: ratio <= goal }))
}

const compare = (name, history) => {
  const ours = engine(history)
  for (const peer of ['yjs', 'ywasm']) {
    const theirs = node(peer, history)
    const times = (what, field, goal) => row(`${name}: ${what}`, 'ms', peer, ours[field], theirs[field], peer === 'yjs' ? goal : 1)
    times(`apply ${ours.updates} updates one by one`, 'apply_ms', 0.083)
    times(`load its snapshot of ${Math.round(ours.snapshot_bytes / 1000)} kB`, 'load_ms', 0.2)
    times('encode the difference for a peer that has nothing', 'encode_all_ms', 0.2)
    times('encode the difference for a peer that lacks the last 1 %', 'encode_some_ms', 0.2)
    times('encode the difference for a peer that lacks nothing', 'encode_none_ms', 0.2)
    if (peer === 'ywasm') continue
    row(`${name}: live memory of the document, typed`, 'bytes', peer, ours.replayed_bytes, theirs.replayed_bytes, 0.25)
    row(`${name}: live memory of the document, loaded`, 'bytes', peer, ours.loaded_bytes, theirs.loaded_bytes, 0.25)
    row(`${name}: growth of the process at its peak`, 'bytes', peer, replay(history).peak_bytes, theirs.peak_bytes, 0.25)
  }
}

const compareForms = history => {
  const ours = engine('--forms', String(forms), history), theirs = node('yjs', '--forms', String(forms / 10), history)
  row('one small form of 30 fields: live memory, typed', 'bytes', 'yjs', ours.replayed_bytes, theirs.replayed_bytes, 0.25)
  row('one small form of 30 fields: live memory, loaded', 'bytes', 'yjs', ours.loaded_bytes, theirs.loaded_bytes, 0.25)
}

const compareTyping = (history, edits) => {
  const ours = engine('--typing', history + '.edits').typing_ms
  for (const peer of ['yjs', 'ywasm']) row(`one author: type ${edits} edits of one's own`, 'ms', peer, ours, node(peer, '--typing', history + '.edits').typing_ms, peer === 'yjs' ? 0.2 : 1)
}

const make = (mode, size) => {
  const file = join(folder, mode)
  execFileSync(process.execPath, [join(here, 'make-history.mjs'), file, mode, String(size)])
  return file
}

try {
  if (given) {
    compare('given history', given)
  } else {
    compare('two people', make('two', 100_000))
    const one = make('one', 260_000)
    compare('one author', one)
    compareTyping(one, 260_000)
    compareForms(make('form', 30))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
