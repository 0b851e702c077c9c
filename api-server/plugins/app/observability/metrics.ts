import fp from 'fastify-plugin'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { HttpRequests } from './http-requests.ts'
import { LabelCounter } from './label-counter.ts'
import { collectProcessMetrics } from './process-metrics.ts'

/** Every metric of the server. Labels are bounded: routes by pattern, never a path or an email. */
function createMetrics() {
  const registry = new Registry()
  collectProcessMetrics(registry)
  const registers = [registry]
  return {
    registry,
    requests: new HttpRequests(registry),
    logins: new Counter({ name: 'auth_logins_total', help: 'Log-ins', labelNames: ['outcome'], registers }),
    tokensIssued: new Counter({
      name: 'auth_tokens_issued_total',
      help: 'Tokens issued',
      labelNames: ['kind'],
      registers,
    }),
    verifications: new LabelCounter({
      name: 'auth_token_verifications_total',
      help: 'Access tokens verified',
      label: 'result',
      registry,
    }),
    revocations: new Counter({ name: 'auth_revocations_total', help: 'Revocations', labelNames: ['scope'], registers }),
    rateLimited: new Counter({
      name: 'auth_rate_limited_total',
      help: 'Requests refused by a limit',
      labelNames: ['route'],
      registers,
    }),
    mails: new Counter({ name: 'auth_mails_total', help: 'Mails', labelNames: ['kind', 'outcome'], registers }),
    eventsDropped: new Counter({
      name: 'auth_security_events_dropped_total',
      help: 'Security events that are in the log and not in the database',
      registers,
    }),
    hashQueue: new Gauge({ name: 'auth_password_hash_queue', help: 'Password hashes that wait', registers }),
    hashSeconds: new Histogram({
      name: 'auth_password_hash_seconds',
      help: 'Time of one password hash, without waiting',
      buckets: [0.05, 0.1, 0.2, 0.4, 0.8, 1.6],
      registers,
    }),
    revocationStaleness: new Gauge({
      name: 'auth_revocation_staleness_seconds',
      help: 'Age of what is known about revocations',
      registers,
    }),
    signingKeyActive: new Gauge({
      name: 'auth_signing_key_active_timestamp_seconds',
      help: 'When a loaded key becomes the signer',
      labelNames: ['kid'],
      registers,
    }),
    signingKeysUnusable: new Gauge({
      name: 'auth_signing_keys_file_unusable',
      help: 'Whether the file with the signing keys cannot be used, so that older keys stay in use',
      registers,
    }),
    redisUp: new Gauge({ name: 'redis_up', help: 'Whether Redis answers', registers }),
    mongodbConnections: new Gauge({
      name: 'mongodb_pool_connections',
      help: 'Connections of the fullest pool: each member of a replica set has one',
      labelNames: ['state'],
      registers,
    }),
    mongodbPoolMax: new Gauge({ name: 'mongodb_pool_max', help: 'Connections that a pool may have', registers }),
    mongodbUp: new Gauge({ name: 'mongodb_up', help: 'Whether the primary of MongoDB answers', registers }),
    insecureMongodb: new Gauge({
      name: 'mongodb_insecure_allowed',
      help: 'Whether plain-text MongoDB on another host is allowed',
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

export default fp(
  async function metrics(app) {
    const all = createMetrics()
    app.decorate('metrics', all)
    all.insecureMongodb.set(app.config.mongodb.allowInsecure ? 1 : 0)
    app.addHook('onResponse', (request, reply, done) => {
      const route = request.routeOptions.url ?? 'unknown'
      all.requests.record(request.method, route, reply.statusCode, reply.elapsedTime / 1000)
      done()
    })
  },
  { name: 'metrics', dependencies: ['config'] },
)
