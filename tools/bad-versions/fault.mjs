/**
 * Images of bad versions load this module before the server and its threads. It causes the fault that FAULT names, and
 * adds `x-bad-version` to every response of the server, so that tests can distinguish it from a fault of the rollout.
 * It does not change other programs of the image, such as the smoke test and the migrations.
 */
import { Server, ServerResponse } from 'node:http'
import process from 'node:process'
import bcrypt from 'bcrypt'

const apiPort = Number(process.env.PORT)
const slowMilliseconds = 900
const leakedBytes = 2 * 1024 * 1024

/** @type {Record<string, () => void>} */
const faults = {
  'not-ready': () => {
    onRequest(({ url }, response) => {
      if (url !== '/readyz') return false
      response.writeHead(503).end()
      return true
    })
  },
  'logins-fail': () => {
    // Threads compare passwords: see below.
  },
  slow: () => {
    const end = ServerResponse.prototype.end
    ServerResponse.prototype.end = function slowEnd(...content) {
      if (this.req.socket.localPort !== apiPort) return end.apply(this, content)
      setTimeout(() => end.apply(this, content), slowMilliseconds)
      return this
    }
  },
  leaks: () => {
    /** @type {Buffer[]} */
    const leaked = []
    onRequest(({ socket }) => {
      // A page that nothing writes to takes no memory.
      if (socket.localPort === apiPort) leaked.push(Buffer.alloc(leakedBytes, 1))
      return false
    })
  },
}

const program = process.argv[1] ?? ''
if (/\/hash-thread\.[jt]s$/.test(program) && process.env.FAULT === 'logins-fail') bcrypt.compareSync = () => false
if (program.endsWith('/server.js')) {
  const fault = faults[process.env.FAULT ?? '']
  if (fault === undefined) throw new Error(`FAULT must be one of ${Object.keys(faults).join(', ')}`)
  fault()
  onRequest((_request, response) => {
    response.setHeader('x-bad-version', String(process.env.FAULT))
    return false
  })
}

/**
 * Handles each request before the server does.
 * @param {(request: import('node:http').IncomingMessage, response: ServerResponse) => boolean} answer returns whether
 * it has answered
 */
function onRequest(answer) {
  const emit = Server.prototype.emit
  Server.prototype.emit = function emitUnlessAnswered(event, ...details) {
    if (event === 'request' && answer(details[0], details[1])) return true
    return emit.call(this, event, ...details)
  }
}
