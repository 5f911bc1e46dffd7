// The Yjs engine beside npm yjs and ywasm on the same histories, each in a process of its own. They take
// turns round by round, so that whatever else the machine does meets all of them; medians are told.
//   run.mjs BUILD [HISTORY]    HISTORY: a file for ydoc-replay instead of the made ones
import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const [build, given] = process.argv.slice(2)
const here = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'ablak-bench-'))
const forms = 5000

const run = promisify(execFile)
const binary = name => join(build, 'tests/bench/coedit', name)
const nodeOptions = ['--expose-gc', '--max-old-space-size=6000', join(here, 'peer.mjs')]
const json = (...command) => JSON.parse(execFileSync(command[0], command.slice(1), { encoding: 'utf8' }))

/** A process that is asked for rounds, one at a time. */
class System {
  constructor (command, ...options) {
    this.child = spawn(command, options, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  async ask (what) {
    this.child.stdin.write(what + '\n')
    const { value, done } = await this.lines.next()
    if (done) throw new Error(`no answer to ${what}`)
    return JSON.parse(value)
  }

  end () { this.child.stdin.end() }
}

const engine = (...options) => new System(binary('coedit-measure'), ...options)
const node = (...options) => new System(process.execPath, ...nodeOptions, ...options)
const median = values => values.sort((a, b) => a - b)[values.length >> 1]

/** Medians of each system's rounds. */
const rounds = async (count, systems, what) => {
  const times = systems.map(() => [])
  for (let round = 0; round < count; round++) {
    for (const [index, system] of systems.entries()) times[index].push(await system.ask(what))
  }
  return times.map(median)
}

// read off the file: ywasm's package exports nothing but itself
const version = name => JSON.parse(readFileSync(join(dirname(require.resolve(name)), name === 'yjs' ? '..' : '.', 'package.json'), 'utf8')).version
const names = { yjs: `yjs ${version('yjs')}`, ywasm: `ywasm ${version('ywasm')}` }

const row = (name, unit, peer, ours, theirs, goal) => {
  const ratio = ours / theirs
  const short = value => Number(value.toPrecision(4))
  console.log(JSON.stringify({ bench: 'coedit', case: name, unit, ours: short(ours), peer: short(theirs), peer_name: names[peer], ratio: Number(ratio.toFixed(3)), goal: `<=${goal}`, met: ratio <= goal }))
}

const compare = async (name, history) => {
  const systems = [engine(history), node('yjs', history), node('ywasm', history)]
  const info = []
  for (const system of systems) info.push(await system.ask('info'))
  const times = async (count, word, what, goal) => {
    const [ours, yjs, ywasm] = await rounds(count, systems, word)
    row(`${name}: ${what}`, 'ms', 'yjs', ours, yjs, goal)
    row(`${name}: ${what}`, 'ms', 'ywasm', ours, ywasm, 1)
  }
  await times(3, 'apply', `apply ${info[0].updates} updates one by one`, 0.083)
  await times(15, 'load', `load its snapshot of ${Math.round(info[0].snapshot_bytes / 1000)} kB`, 0.2)
  await times(9, 'all', 'encode the difference for a peer that has nothing', 0.2)
  await times(9, 'some', 'encode the difference for a peer that lacks the last 1 %', 0.2)
  await times(9, 'none', 'encode the difference for a peer that lacks nothing', 0.2)
  const [ours, yjs] = [await systems[0].ask('memory'), await systems[1].ask('memory')]
  row(`${name}: live memory of the document, typed`, 'bytes', 'yjs', ours.typed, yjs.typed, 0.25)
  row(`${name}: live memory of the document, loaded`, 'bytes', 'yjs', ours.loaded, yjs.loaded, 0.25)
  row(`${name}: growth of the process at its peak`, 'bytes', 'yjs', json(binary('ydoc-replay'), history).peak_bytes, info[1].peak_bytes, 0.25)
  if (!given) await times(9, 'changed', 'encode the difference for a peer that lacks one deletion', 0.2)
  for (const system of systems) system.end()
}

const compareForms = history => {
  const ours = json(binary('coedit-measure'), '--forms', String(forms), history)
  const theirs = json(process.execPath, ...nodeOptions, 'yjs', '--forms', String(forms / 10), history)
  row('one small form of 30 fields: live memory, typed', 'bytes', 'yjs', ours.typed, theirs.typed, 0.25)
  row('one small form of 30 fields: live memory, loaded', 'bytes', 'yjs', ours.loaded, theirs.loaded, 0.25)
}

/** Of ywasm fewer edits: it takes longer the longer the text is. */
const compareTyping = async (edits, peer, count, goal) => {
  const systems = [engine('--typing', edits), node(peer, '--typing', edits)]
  const [ours, theirs] = await rounds(3, systems, String(count))
  row(`one author: type ${count} edits of one's own`, 'ms', peer, ours, theirs, goal)
  for (const system of systems) system.end()
}

const make = async (mode, size) => {
  const file = join(folder, mode)
  await run(process.execPath, [join(here, 'make-history.mjs'), file, mode, String(size)])
  return file
}

try {
  if (given) {
    await compare('given history', given)
  } else {
    const [two, one, form] = await Promise.all([make('two', 100_000), make('one', 260_000), make('form', 30)])
    await compare('two people', two)
    await compare('one author', one)
    await compareTyping(one + '.edits', 'yjs', 260_000, 0.2)
    await compareTyping(one + '.edits', 'ywasm', 30_000, 1)
    compareForms(form)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
