import { availableParallelism } from 'node:os'
import bcrypt from 'bcrypt'
import fp from 'fastify-plugin'
import { problem } from '../problems/problem.ts'
import { HashQueue, QueueFullError } from './hash-queue.ts'
import { faultOf, mostPasswordBytes, needsUpgrade, normalized } from './password-rules.ts'

declare module 'fastify' {
  interface FastifyInstance {
    passwords: {
      /** @throws Problem 422 for a password that a rule refuses */
      requireGood(password: string): void
      /** @throws Problem 503 `busy` */
      hash(password: string): Promise<string>
      /** Takes as long for an unknown user (`hash` undefined) as for a wrong password. @throws Problem 503 `busy` */
      matches(password: string, hash: string | undefined): Promise<boolean>
      needsUpgrade(hash: string): boolean
    }
  }
}

const waitingPerHash = 16

export default fp(
  async function passwords(app) {
    const { bcryptCost, passwordMinLength } = app.config
    const poolSize = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
    const inFlight = Math.max(1, Math.min(availableParallelism(), poolSize - 1))
    const queue = new HashQueue({ inFlight, waiting: inFlight * waitingPerHash })
    const unknownUserHash = await bcrypt.hash('nobody has this password', bcryptCost)

    const queued = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      try {
        return await queue.run(async () => {
          app.metrics.hashQueue.set(queue.waiting)
          const end = app.metrics.hashSeconds.startTimer()
          try {
            return await work()
          } finally {
            end()
          }
        })
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error
        throw problem(503, 'busy', 'The server checks as many passwords as it can. Try again shortly.', {
          retryAfterSeconds: 1,
        })
      }
    }

    app.decorate('passwords', {
      requireGood(password) {
        const fault = faultOf(password, passwordMinLength)
        if (fault !== undefined) throw problem(422, fault, explain(fault, passwordMinLength))
      },
      hash: (password) => queued(() => bcrypt.hash(normalized(password), bcryptCost)),
      matches: (password, hash) =>
        queued(async () => {
          // $2y$ is what PHP calls $2b$.
          const known = (hash ?? unknownUserHash).replace(/^\$2y\$/, '$2b$')
          const equal = await bcrypt.compare(normalized(password), known)
          return equal && hash !== undefined
        }),
      needsUpgrade: (hash) => needsUpgrade(hash, bcryptCost),
    })
  },
  { name: 'passwords', dependencies: ['config', 'metrics'] },
)

function explain(fault: NonNullable<ReturnType<typeof faultOf>>, leastBytes: number): string {
  switch (fault) {
    case 'password_too_short':
      return `The password is too short: it needs ${leastBytes} bytes at least.`
    case 'password_too_long':
      return `The password is too long: bcrypt reads ${mostPasswordBytes} bytes at most, so a longer one would be cut.`
    case 'password_common':
      return 'The password is one of those that are guessed first. Choose another one.'
  }
}
