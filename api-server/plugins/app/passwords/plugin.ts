import { availableParallelism } from 'node:os'
import { longestPasswordBytes } from '@authservice-operator/contract/limits.ts'
import fp from 'fastify-plugin'
import { type Problem, problem } from '../problems/problem.ts'
import { type HashJob, type HashResult, unmatchableHash } from './hash-jobs.ts'
import { type HashPriority, HashThreads, QueueFullError } from './hash-threads.ts'
import {
  comparableHash,
  faultAtLogin,
  faultOf,
  minPasswordCharacters,
  missingCosts,
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
      assertAcceptable(password: string, owner?: PasswordOwner): void
      /** @throws Problem 422 for a password that bcrypt would truncate, for any user */
      assertHashable(password: string): void
      /** @throws Problem 503 `busy` */
      hash(password: string, priority?: HashPriority): Promise<string>
      /**
       * Takes the same time for an unknown user (`hash` undefined), for a wrong password and for a hash of a lower
       * cost. @param priority in the queue; `stranger` by default. @throws Problem 503 `busy`
       */
      check(password: string, hash: string | undefined, priority?: HashPriority): Promise<PasswordCheck>
    }
  }
}

type PasswordCheck = { matches: false } | { matches: true; needsUpgrade: boolean }

/** Maximum number of waiting hashes for each running one: about three seconds at cost 12. */
const waitingPerHash = 16
const minPoolSize = 2

export default fp(
  async function passwords(app) {
    const { bcryptCost, passwordMinLength, passwordWords } = app.config
    const threads = hashThreads(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4), (seconds) =>
      app.metrics.hashSeconds.observe(seconds),
    )
    app.addHook('onClose', () => threads.close())
    const unknownUserHash = unmatchableHash(bcryptCost)

    const run = async <Job extends HashJob>(job: Job, priority: HashPriority | undefined): Promise<HashResult<Job>> => {
      try {
        const running = threads.run(job, priority)
        app.metrics.hashQueue.set(threads.waiting)
        return await running
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error
        throw problem(503, 'busy', 'The server is busy checking passwords. Try again shortly.', {
          retryAfterSeconds: 2,
        })
      } finally {
        app.metrics.hashQueue.set(threads.waiting)
      }
    }

    app.decorate('passwords', {
      assertAcceptable(password, owner) {
        const fault = faultOf(password, { minBytes: passwordMinLength, words: passwordWords }, owner)
        if (fault !== undefined) throw refusal(fault, passwordMinLength)
      },
      assertHashable(password) {
        const fault = faultAtLogin(password)
        if (fault !== undefined) throw refusal(fault, passwordMinLength)
      },
      async hash(password, priority) {
        return run({ kind: 'hash', text: normalized(password), cost: bcryptCost }, priority)
      },
      async check(password, hash, priority) {
        const stored = hash === undefined ? undefined : comparableHash(hash)
        const known = stored ?? unknownUserHash
        const spellings = spellingsOf(password)
        const alsoCosts = missingCosts(known, bcryptCost)
        const matching = await run({ kind: 'compare', spellings, hash: known, alsoCosts }, priority)
        if (hash === undefined || stored === undefined || !matching.includes(true)) return { matches: false }
        return { matches: true, needsUpgrade: matching[0] !== true || needsUpgrade(hash, bcryptCost) }
      },
    })
  },
  { name: 'passwords', dependencies: ['config', 'metrics'] },
)

/**
 * As many threads as processors, but at most UV_THREADPOOL_SIZE minus one, because Node does not know the CPU limit of
 * a container.
 * @throws when there would be none
 */
function hashThreads(poolSize: number, observe: (seconds: number) => void): HashThreads {
  if (poolSize < minPoolSize) {
    throw new Error(`UV_THREADPOOL_SIZE is ${poolSize}: password hashing needs at least ${minPoolSize}. Unset it.`)
  }
  const threads = Math.min(availableParallelism(), poolSize - 1)
  return new HashThreads({ threads, waiting: threads * waitingPerHash }, observe)
}

function refusal(fault: PasswordFault, minBytes: number): Problem {
  switch (fault) {
    case 'password_too_short':
      return problem(
        422,
        fault,
        `The password is too short: it needs at least ${minBytes} bytes and ${minPasswordCharacters} characters.`,
        // That many characters have at least that many bytes.
        { values: { characters: String(Math.max(minBytes, minPasswordCharacters)) } },
      )
    case 'password_too_long':
      return problem(
        422,
        fault,
        `The password is too long: bcrypt ignores everything after ${longestPasswordBytes} bytes.`,
      )
    case 'password_common':
      return problem(422, fault, 'The password is easy to guess. Choose another one.')
    case 'password_unusable':
      return problem(422, fault, 'The password contains a zero byte or an invalid character. Choose another one.')
  }
}
