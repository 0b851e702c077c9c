import { availableParallelism } from 'node:os'
import bcrypt from 'bcrypt'
import fp from 'fastify-plugin'
import { type Problem, problem } from '../problems/problem.ts'
import { HashQueue, QueueFullError } from './hash-queue.ts'
import {
  comparableHash,
  faultAtLogin,
  faultOf,
  leastPasswordCharacters,
  missingCosts,
  mostPasswordBytes,
  needsUpgrade,
  normalized,
  type PasswordFault,
  type PasswordOwner,
  spellingsOf,
} from './password-rules.ts'
import { lowerPoolPriority } from './pool-priority.ts'

declare module 'fastify' {
  interface FastifyInstance {
    passwords: {
      /** @throws Problem 422 for a new password that a rule refuses */
      requireGood(password: string, owner?: PasswordOwner): void
      /** @throws Problem 422 for a password that bcrypt would cut, whoever's it is */
      requireReadable(password: string): void
      /** @throws Problem 503 `busy` */
      hash(password: string): Promise<string>
      /**
       * Takes the same time for an unknown user (`hash` undefined), for a wrong password and for a hash of a lower
       * cost. @throws Problem 503 `busy`
       */
      check(password: string, hash: string | undefined): Promise<PasswordCheck>
    }
  }
}

export type PasswordCheck = { matches: false } | { matches: true; needsUpgrade: boolean }

/** Hashes that may wait for each that runs: about three seconds at cost 12. */
const waitingPerHash = 16
const leastPoolSize = 2

export default fp(
  async function passwords(app) {
    const { bcryptCost, passwordMinLength, passwordWords } = app.config
    const queue = hashQueue(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4))
    const unknownUserHash = await bcrypt.hash('nobody has this password', bcryptCost)
    lowerPoolPriority() // the pool has its threads now

    const queued = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      try {
        const running = queue.run(async () => {
          app.metrics.hashQueue.set(queue.waiting)
          const end = app.metrics.hashSeconds.startTimer()
          try {
            return await work()
          } finally {
            end()
          }
        })
        app.metrics.hashQueue.set(queue.waiting)
        return await running
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error
        throw problem(503, 'busy', 'The server checks as many passwords as it can. Try again shortly.', {
          retryAfterSeconds: 2,
        })
      }
    }

    app.decorate('passwords', {
      requireGood(password, owner) {
        const fault = faultOf(password, { leastBytes: passwordMinLength, words: passwordWords }, owner)
        if (fault !== undefined) throw refusal(fault, passwordMinLength)
      },
      requireReadable(password) {
        const fault = faultAtLogin(password)
        if (fault !== undefined) throw refusal(fault, passwordMinLength)
      },
      hash: (password) => queued(() => bcrypt.hash(normalized(password), bcryptCost)),
      check: (password, hash) =>
        queued(async () => {
          const stored = hash === undefined ? undefined : comparableHash(hash)
          const known = stored ?? unknownUserHash
          const [preferred, ...others] = spellingsOf(password)
          const matchesPreferred = await bcrypt.compare(preferred, known)
          let matchesOther = false
          for (const spelling of others) matchesOther = (await bcrypt.compare(spelling, known)) || matchesOther
          for (const cost of missingCosts(known, bcryptCost)) await bcrypt.hash(preferred, cost)
          if (hash === undefined || stored === undefined || !(matchesPreferred || matchesOther))
            return { matches: false }
          return { matches: true, needsUpgrade: !matchesPreferred || needsUpgrade(hash, bcryptCost) }
        }),
    })
  },
  { name: 'passwords', dependencies: ['config', 'metrics'] },
)

/**
 * One thread of libuv's pool is left for DNS and files, and no more hashes run than there are processors.
 * @throws when the pool has a single thread, which hashes would take for themselves
 */
function hashQueue(poolSize: number): HashQueue {
  if (poolSize < leastPoolSize) {
    throw new Error(`UV_THREADPOOL_SIZE is ${poolSize}: password hashes need ${leastPoolSize} at least. Unset it.`)
  }
  const inFlight = Math.min(availableParallelism(), poolSize - 1)
  return new HashQueue({ inFlight, waiting: inFlight * waitingPerHash })
}

function refusal(fault: PasswordFault, leastBytes: number): Problem {
  switch (fault) {
    case 'password_too_short':
      return problem(
        422,
        fault,
        `The password is too short: it needs ${leastBytes} bytes and ${leastPasswordCharacters} characters at least.`,
      )
    case 'password_too_long':
      return problem(
        422,
        fault,
        `The password is too long: bcrypt reads ${mostPasswordBytes} bytes at most, so a longer one would be cut.`,
      )
    case 'password_common':
      return problem(422, fault, 'The password is one of those that are guessed first. Choose another one.')
    case 'password_unusable':
      return problem(422, fault, 'The password has a zero byte or half a character in it. Choose another one.')
  }
}
