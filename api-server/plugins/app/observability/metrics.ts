import { collectProcessMetrics } from '@authservice-operator/contract/process-metrics.ts'
import fp from 'fastify-plugin'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Every metric of the server. Labels are bounded: routes by pattern, never a path or an email. */
function createMetrics() {
  const registry = new Registry()
  collectProcessMetrics(registry)
  const registers = [registry]
  return {
    registry,
    requests: new Counter({
      name: 'http_requests_total',
      help: 'Answers',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the first byte of a request to the last byte of its response',
      labelNames: ['method', 'route'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
      registers,
    }),
    logins: new Counter({ name: 'auth_logins_total', help: 'Logins', labelNames: ['outcome'], registers }),
    providerLogins: new Counter({
      name: 'auth_identity_provider_logins_total',
      help: 'Logins at other providers, by the ID of the provider in the file; result is success, second_factor, link_required, linked, refused, denied, invalid or unavailable',
      labelNames: ['provider', 'result'],
      registers,
    }),
    mfaFirstSteps: new Counter({
      name: 'auth_mfa_first_steps_total',
      help: 'Logins with a right password that need a second factor',
      registers,
    }),
    mfaCodes: new Counter({
      name: 'auth_mfa_codes_total',
      help: 'Codes and passkeys of second factors',
      labelNames: ['method', 'outcome'],
      registers,
    }),
    tokensIssued: new Counter({
      name: 'auth_tokens_issued_total',
      help: 'Tokens issued',
      labelNames: ['kind'],
      registers,
    }),
    verifications: new Counter({
      name: 'auth_token_verifications_total',
      help: 'Access tokens verified',
      labelNames: ['result'],
      registers,
    }),
    revocations: new Counter({ name: 'auth_revocations_total', help: 'Revocations', labelNames: ['scope'], registers }),
    rateLimited: new Counter({
      name: 'auth_rate_limited_total',
      help: 'Requests refused by a rate limit',
      labelNames: ['route'],
      registers,
    }),
    oauthRefusals: new Counter({
      name: 'auth_oauth_refusals_total',
      help: 'Requests that the token endpoint and its neighbours refused; the client is a known one, or unknown',
      labelNames: ['client', 'error'],
      registers,
    }),
    oauthGrants: new Counter({
      name: 'auth_oauth_grants_total',
      help: 'Requests for tokens that the token endpoint granted',
      labelNames: ['client'],
      registers,
    }),
    anomalousUsers: new Counter({
      name: 'auth_strange_user_documents_total',
      help: 'Reads of users with irregular documents',
      labelNames: ['oddity'],
      registers,
    }),
    mails: new Counter({ name: 'auth_mails_total', help: 'Mails', labelNames: ['kind', 'outcome'], registers }),
    backchannelLogouts: new Counter({
      name: 'auth_backchannel_logouts_total',
      help: 'Attempts to tell a client that a session of it has ended',
      labelNames: ['outcome'],
      registers,
    }),
    eventsDropped: new Counter({
      name: 'auth_security_events_dropped_total',
      help: 'Security events that were logged but not stored in the database',
      registers,
    }),
    hashQueue: new Gauge({ name: 'auth_password_hash_queue', help: 'Password hashes in the queue', registers }),
    hashSeconds: new Histogram({
      name: 'auth_password_hash_seconds',
      help: 'Time to compute one password hash, without the time in the queue',
      buckets: [0.05, 0.1, 0.2, 0.4, 0.8, 1.6],
      registers,
    }),
    revocationStaleness: new Gauge({
      name: 'auth_revocation_staleness_seconds',
      help: 'Time since the list of revocations was last up to date',
      registers,
    }),
    signingKeyActive: new Gauge({
      name: 'auth_signing_key_active_timestamp_seconds',
      help: 'Time at which a loaded key starts to sign',
      labelNames: ['kid'],
      registers,
    }),
    signingKeysUnusable: new Gauge({
      name: 'auth_signing_keys_file_unusable',
      help: '1 if the file with the signing keys is unusable and earlier keys stay in use',
      registers,
    }),
    redisUp: new Gauge({ name: 'redis_up', help: '1 if Redis accepts writes', registers }),
    mongodbConnections: new Gauge({
      name: 'mongodb_pool_connections',
      help: 'Connections of the fullest pool; each member of a replica set has a pool',
      labelNames: ['state'],
      registers,
    }),
    mongodbPoolMax: new Gauge({ name: 'mongodb_pool_max', help: 'Maximum number of connections in a pool', registers }),
    mongodbUp: new Gauge({ name: 'mongodb_up', help: '1 if the primary of MongoDB answers', registers }),
    insecureMongodb: new Gauge({
      name: 'mongodb_insecure_allowed',
      help: '1 if unencrypted connections to MongoDB on another host are allowed',
      registers,
    }),
  }
}

type Metrics = ReturnType<typeof createMetrics>

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
      const { method } = request
      const route = request.routeOptions.url ?? 'unknown'
      all.requests.inc({ method, route, status: reply.statusCode })
      all.requestSeconds.observe({ method, route }, reply.elapsedTime / 1000)
      done()
    })
  },
  { name: 'metrics', dependencies: ['config'] },
)
