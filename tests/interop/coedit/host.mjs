// The engine in its test host, spoken to in JSON lines.
import { spawn } from 'node:child_process'

export const hex = bytes => Buffer.from(bytes).toString('hex')
export const bytes = text => new Uint8Array(Buffer.from(text, 'hex'))

export class Host {
  constructor (program) {
    this.process = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    this.rest = ''
    this.process.stdout.setEncoding('utf8')
    this.process.stdout.on('data', data => this.receive(data))
    this.process.on('exit', (code, signal) => {
      for (const { reject } of this.waiting) reject(new Error(`the host ended: ${code ?? signal}`))
    })
  }

  receive (data) {
    const lines = (this.rest + data).split('\n')
    this.rest = lines.pop()
    for (const line of lines) this.waiting.shift().resolve(JSON.parse(line))
  }

  ask (op, doc, members = {}) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.process.stdin.write(JSON.stringify({ op, doc, ...members }) + '\n')
    })
  }

  end () {
    const ended = new Promise(resolve => this.process.on('exit', resolve))
    this.process.stdin.end()
    return ended
  }
}

/** How often: ten times as often in ./test --full. */
export const times = count => Number(count) * (process.env.ABLAK_FULL === '1' ? 10 : 1)
