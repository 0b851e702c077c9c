import fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { expect, test } from 'vitest'
import type { Config } from '../../config/config.ts'
import helmet, { securityHeaders } from './helmet.ts'

test.each<Config['environment']>(['development', 'production'])(
  'in %s a route without helmet has the headers that helmet gives all others',
  async (environment) => {
    const config = { environment }
    const app = fastify()
    // What the plugin reads of the configuration.
    const configPlugin = async (scope: FastifyInstance) => void scope.decorate('config', config as Config)
    await app.register(fp(configPlugin, { name: 'config' }))
    await app.register(helmet)
    app.get('/helmet', async () => 'ok')
    app.get('/hot', { helmet: false }, async (_request, reply) => reply.headers(securityHeaders(config)).send('ok'))
    const headersOf = async (url: string) => {
      const { date, ...headers } = (await app.inject({ url })).headers
      return headers
    }
    expect(await headersOf('/hot')).toEqual(await headersOf('/helmet'))
    await app.close()
  },
)
