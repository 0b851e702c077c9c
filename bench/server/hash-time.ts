/** Prints how long one password hash of the server's cost takes on this core when nothing else runs there, in ms. */
import { performance } from 'node:perf_hooks'
import bcrypt from 'bcrypt'
import { bcryptCost } from './logins.ts'

const hashes = 8
const hash = await bcrypt.hash('correct horse battery', bcryptCost)
const started = performance.now()
// One at a time, as one thread of the server does it.
for (let done = 0; done < hashes; done++) await bcrypt.compare('correct horse battery', hash)
console.log((performance.now() - started) / hashes)
