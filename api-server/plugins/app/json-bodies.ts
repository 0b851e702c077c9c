import fp from 'fastify-plugin'

/**
 * JSON bodies, and no body if there is only the content type, which many clients send with every request. A route that
 * needs a body refuses a missing one by its schema.
 */
export default fp(
  async function jsonBodies(app) {
    const parse = app.getDefaultJsonParser('error', 'error')
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
      body === '' ? done(null, null) : parse(request, body, done),
    )
  },
  { name: 'json-bodies' },
)
