import csrfProtection from '@fastify/csrf-protection'
import type { FastifyReply, FastifyRequest, preHandlerHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Session } from '../sessions/session.ts'
import { csrfCookie, refreshCookie } from './cookie-names.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Cookie mode (COOKIE_MODE): a browser stores the refresh token in a cookie that scripts cannot read, and sends a
     * CSRF token whenever that cookie counts. Without the mode, all of this does nothing.
     */
    cookieMode: {
      isOn: boolean
      /** The refresh token of the request's cookie. */
      refreshTokenOf(request: FastifyRequest): string | undefined
      setRefreshToken(reply: FastifyReply, refreshToken: string, session: Session): void
      /** Deletes the refresh token and CSRF secret in the browser. */
      forget(reply: FastifyReply): void
      /**
       * A CSRF token for this browser. With `fresh`, its secret is new too, so that a login does not reuse an old one.
       */
      csrfToken(request: FastifyRequest, reply: FastifyReply, options: { fresh: boolean }): string
      /**
       * A hook: a request with the refresh token in the cookie needs the header X-CSRF-Token. @throws 403 `csrf_failed`
       */
      requireCsrfToken: preHandlerHookHandler
    }
  }
}

export default fp(
  async function cookieMode(app) {
    const { cookieMode: isOn, cookieSameSite: sameSite, refreshTokenIdleLifetimeSeconds } = app.config
    const options = { path: '/', secure: true, httpOnly: true, sameSite } as const
    await app.register(csrfProtection, {
      cookieKey: csrfCookie,
      cookieOpts: options,
      getToken: ({ headers }) => String(headers['x-csrf-token'] ?? ''),
      logLevel: 'debug',
    })
    const read = (request: FastifyRequest) => {
      const cookies = app.parseCookie(request.headers.cookie ?? '')
      request.cookies = cookies // where the CSRF plugin looks
      return cookies
    }

    app.decorate('cookieMode', {
      isOn,
      refreshTokenOf: (request) => (isOn ? read(request)[refreshCookie] : undefined),
      setRefreshToken(reply, refreshToken, session) {
        if (!isOn) return
        const idleEnd = Date.now() + refreshTokenIdleLifetimeSeconds * 1000
        const expires = new Date(Math.min(idleEnd, session.expiresAt.getTime()))
        reply.setCookie(refreshCookie, refreshToken, { ...options, expires })
      },
      forget(reply) {
        if (!isOn) return
        for (const name of [refreshCookie, csrfCookie]) reply.clearCookie(name, options)
      },
      csrfToken(request, reply, { fresh }) {
        if (fresh) request.cookies = {}
        else read(request)
        return reply.generateCsrf()
      },
      requireCsrfToken(request, reply, done) {
        if (!isOn || hasTokenInBody(request)) return done()
        read(request)
        app.csrfProtection(request, reply, done)
      },
    })
  },
  { name: 'cookie-mode', dependencies: ['config', 'cookies'] },
)

/** The cookie does not count then, and no other site can have sent the token. */
function hasTokenInBody({ body }: FastifyRequest): boolean {
  return typeof body === 'object' && body !== null && 'refresh_token' in body
}
