import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import fp from 'fastify-plugin'
import type { Config } from '../../config/config.ts'

/** Security headers of every response. */
export default fp(
  async function securityHeadersByHelmet(app) {
    await app.register(helmet, helmetOptions(app.config))
  },
  { name: 'helmet', dependencies: ['config'] },
)

const transportSecurity = { maxAge: 31_536_000, includeSubDomains: true }

/** An API loads nothing, embeds nothing and submits no forms; /docs has its own policy. */
const nothing = ["'none'"]

function helmetOptions({ environment }: Pick<Config, 'environment'>): FastifyHelmetOptions {
  return {
    strictTransportSecurity: environment === 'development' ? false : transportSecurity,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: nothing, baseUri: nothing, formAction: nothing, frameAncestors: nothing },
    },
    xFrameOptions: { action: 'deny' },
    // For Internet Explorer, Flash, XSS filters of former browsers, and prefetching, which is in no standard.
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  }
}

/**
 * The same headers as constants, for the one hot path: verification does not use helmet, which computes its headers for
 * each request and takes as long as the rest of a verification. A test compares the two.
 */
export function securityHeaders({ environment }: Pick<Config, 'environment'>): Readonly<Record<string, string>> {
  const { maxAge } = transportSecurity
  return {
    'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'referrer-policy': 'no-referrer',
    ...(environment !== 'development' && { 'strict-transport-security': `max-age=${maxAge}; includeSubDomains` }),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  }
}
