import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    draining: { start(): void }
  }
}

/** While the server drains, each response asks the client to open another connection. RFC 9112 section 9.6. */
export default fp(
  async function draining(app) {
    let isDraining = false
    app.decorate('draining', {
      start: () => {
        isDraining = true
      },
    })
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (isDraining) reply.header('connection', 'close')
      done(null, payload)
    })
  },
  { name: 'draining' },
)
