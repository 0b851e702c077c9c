import type { FastifyInstance } from 'fastify'
import { problem } from './problem.ts'

/**
 * An existing path without the requested method answers 405 with its methods (RFC 9110 section 15.5.6). Each described
 * path gets a route for all other methods, so that the one router decides which path matches, and these responses are
 * limited, counted and logged like any other.
 *
 * @returns a function to call after the last route
 */
export function rejectOtherMethods(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>()
  const described = new Set<string>()
  app.addHook('onRoute', ({ url, method, schema }) => {
    const known = methodsOf.get(url) ?? new Set()
    for (const each of [method].flat()) known.add(each)
    methodsOf.set(url, known)
    if (schema !== undefined && schema.hide !== true) described.add(url)
  })
  return () => {
    for (const url of described) {
      const known = new Set(methodsOf.get(url))
      const allowed = [...known].sort().join(', ')
      const refuse = async () => {
        throw problem(405, 'method_not_allowed', `This path supports only ${allowed}.`, { allow: allowed })
      }
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !known.has(method) && method !== 'OPTIONS'),
        schema: { hide: true },
        config: { worksWithoutDatabase: true },
        // Before the body is read, because the method is wrong in any case.
        onRequest: refuse,
        handler: refuse,
      })
    }
  }
}
