import { availableParallelism } from 'node:os'
import fp from 'fastify-plugin'
import { type Problem, problem } from '../problems/problem.ts'
import { type HashJob, type HashResult, hashOfNothing } from './hash-jobs.ts'
import { HashThreads, QueueFullError } from './hash-threads.ts'
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
    const threads = hashThreads(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4), (seconds) =>
      app.metrics.hashSeconds.observe(seconds),
    )
    app.addHook('onClose', () => threads.close())
    const unknownUserHash = hashOfNothing(bcryptCost)

    const run = async <Job extends HashJob>(job: Job): Promise<HashResult<Job>> => {
      try {
        const running = threads.run(job)
        app.metrics.hashQueue.set(threads.waiting)
        return await running
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error
        throw problem(503, 'busy', 'The server checks as many passwords as it can. Try again shortly.', {
          retryAfterSeconds: 2,
        })
      } finally {
        app.metrics.hashQueue.set(threads.waiting)
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
      async hash(password) {
        return run({ kind: 'hash', text: normalized(password), cost: bcryptCost })
      },
      async check(password, hash) {
        const stored = hash === undefined ? undefined : comparableHash(hash)
        const known = stored ?? unknownUserHash
        const matching = await run({
          kind: 'compare',
          spellings: spellingsOf(password),
          hash: known,
          alsoCosts: missingCosts(known, bcryptCost),
        })
        if (hash === undefined || stored === undefined || !matching.includes(true)) return { matches: false }
        return { matches: true, needsUpgrade: matching[0] !== true || needsUpgrade(hash, bcryptCost) }
      },
    })
  },
  { name: 'passwords', dependencies: ['config', 'metrics'] },
)

/**
 * As many threads as processors, and fewer where UV_THREADPOOL_SIZE says so: Node does not see a container's limit of
 * processor time, and who knows it sets one more than it allows.
 * @throws when there would be none
 */
function hashThreads(poolSize: number, observe: (seconds: number) => void): HashThreads {
  if (poolSize < leastPoolSize) {
    throw new Error(`UV_THREADPOOL_SIZE is ${poolSize}: password hashes need ${leastPoolSize} at least. Unset it.`)
  }
  const threads = Math.min(availableParallelism(), poolSize - 1)
  return new HashThreads({ threads, waiting: threads * waitingPerHash }, observe)
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
