import type { FastifyInstance } from 'fastify'
import { problem } from './problem.ts'

/**
 * A path that is there, asked with a method that it does not have, is answered 405 with the methods that it has
 * (RFC 9110 section 15.5.6). Each described path gets a route for all other methods: so the one router decides which path
 * is meant, and these answers are limited, counted and logged like any other.
 *
 * @returns what to call after the last route
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method, schema }) => {
    if (schema === undefined || schema.hide === true) return
    const known = methodsOf.get(url) ?? new Set()
    for (const each of [method].flat()) known.add(each)
    methodsOf.set(url, known)
  })
  return () => {
    for (const [url, known] of methodsOf) {
      const allowed = [...known].sort().join(', ')
      const refuse = async () => {
        throw problem(405, 'method_not_allowed', `This path has only ${allowed}.`, { allow: allowed })
      }
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !known.has(method) && method !== 'OPTIONS'),
        schema: { hide: true },
        config: { worksWithoutDatabase: true },
        // Before the body is read: whatever it is, the method is wrong.
        onRequest: refuse,
        handler: refuse,
      })
    }
  }
}
