import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { EventAggregator } from './event-aggregator.ts'

/**
 * A log line for each response after it is sent; LOG_REQUESTS selects which. Failed ones: the first of a minute, and
 * their count.
 */
export default fp(
  async function requestLog(app) {
    const { logRequests } = app.config
    if (logRequests === 'none') return
    if (logRequests === 'all') {
      app.addHook('onResponse', (request, reply, done) => {
        write(request.log, lineOf(request, reply))
        done()
      })
      return
    }
    // Any client can cause these during an overload or outage: the log must not grow with the number of attempts.
    const failures = new EventAggregator<Told>({
      maxSubjects: () => maxKinds,
      further: ({ log, line }) => ({ log, line: { ...line, route: 'other routes' } }),
      maxReported: loggedFailures,
      onReport: ({ log, line }) => write(log, line),
      onEnd({ entry: { line }, count, firstAt }) {
        const { method, route, status } = line
        if (count <= loggedFailures) return
        app.log.error({ method, route, status, count, since: new Date(firstAt).toISOString() }, 'requests')
      },
    })
    const ticking = setInterval(() => failures.flush(), windowMilliseconds).unref()
    app.addHook('preClose', async () => {
      clearInterval(ticking)
      failures.flush()
    })
    app.addHook('onResponse', (request, reply, done) => {
      if (reply.statusCode >= 500) {
        const line = lineOf(request, reply)
        failures.add('request', `${line.method} ${line.route} ${line.status}`, { log: request.log, line }, Date.now())
      }
      done()
    })
  },
  { name: 'request-log', dependencies: ['config'] },
)

/** Failed responses of one route and status that are logged separately in a minute; the rest is counted. */
export const loggedFailures = 10
/** Maximum number of distinct routes and statuses: more than a server has in an outage. */
const maxKinds = 100
const windowMilliseconds = 60_000

interface Line {
  method: string
  route: string
  status: number
  durationMs: number
  address: string
}

interface Told {
  log: FastifyBaseLogger
  line: Line
}

function lineOf(request: FastifyRequest, reply: FastifyReply): Line {
  const durationMs = Math.round(reply.elapsedTime * 10) / 10
  const route = request.routeOptions.url ?? 'unknown'
  return { method: request.method, route, status: reply.statusCode, durationMs, address: request.ip }
}

function write(log: FastifyBaseLogger, line: Line): void {
  if (line.status >= 500) log.error(line, 'request')
  else log.info(line, 'request')
}
