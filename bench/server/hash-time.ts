/**
 * Prints how long one password hash of the server's cost takes on this core when nothing else runs there, in ms of time
 * and of CPU time.
 */
import { performance } from 'node:perf_hooks'
import bcrypt from 'bcrypt'
import { bcryptCost } from './logins.ts'

const hashes = 8
const hash = await bcrypt.hash('correct horse battery', bcryptCost)
const [started, cpuBefore] = [performance.now(), process.cpuUsage()]
// One at a time, as one thread of the server does it.
for (let done = 0; done < hashes; done++) await bcrypt.compare('correct horse battery', hash)
const { user, system } = process.cpuUsage(cpuBefore)
console.log(
  JSON.stringify({ millis: (performance.now() - started) / hashes, cpuMillis: (user + system) / 1000 / hashes }),
)
