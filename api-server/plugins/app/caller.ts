import type { PageLanguage } from '@authservice-operator/contract/pages-file.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { RequestLimits } from './limits/plugin.ts'
import { deviceCookie } from './login-attempts/device-cookie.ts'

/** The client of a request, as flows see it: values, and the limits that count for its answer. */
export interface Caller {
  /** IP address, as far as trusted proxies tell it. */
  address: string
  /** At most 256 characters of the `User-Agent`. */
  userAgent: string | undefined
  /** What the device got when a user logged in on it. */
  deviceCookie: string | undefined
  /** Of the page that was shown, or would be: mails that the request causes are written in it. */
  language: PageLanguage
  limits: RequestLimits
}

declare module 'fastify' {
  interface FastifyInstance {
    callerOf(request: FastifyRequest, reply: FastifyReply): Caller
  }
  interface FastifyRequest {
    /** The parameter `ui_locales` of the login that the request belongs to, as soon as that is known. */
    uiLocales: string | undefined
  }
}

const maxUserAgentCharacters = 256

export default fp(
  async function callerOf(app) {
    app.decorateRequest('uiLocales', undefined)
    app.decorate('callerOf', (request, reply) => ({
      address: request.ip,
      userAgent: request.headers['user-agent']?.slice(0, maxUserAgentCharacters),
      deviceCookie: app.parseCookie(request.headers.cookie ?? '')[deviceCookie],
      language: app.pages.languageOf(request.raw, request.uiLocales),
      limits: app.limits.of(request, reply),
    }))
  },
  // fastify-plugin sets a property of this name on the function, so it must not be "caller".
  { name: 'caller-of', dependencies: ['cookies', 'limits', 'pages'] },
)
