import fp from 'fastify-plugin'

/** One line for each answer, once it is sent: LOG_REQUESTS says of which. */
export default fp(
  async function requestLog(app) {
    const { logRequests } = app.config
    if (logRequests === 'none') return
    const leastStatus = logRequests === 'failed' ? 500 : 0
    app.addHook('onResponse', (request, reply, done) => {
      const { statusCode: status } = reply
      if (status >= leastStatus) {
        const durationMs = Math.round(reply.elapsedTime * 10) / 10
        const route = request.routeOptions.url ?? 'unknown'
        const line = { method: request.method, route, status, durationMs, address: request.ip }
        if (status >= 500) request.log.error(line, 'request')
        else request.log.info(line, 'request')
      }
      done()
    })
  },
  { name: 'request-log', dependencies: ['config'] },
)
