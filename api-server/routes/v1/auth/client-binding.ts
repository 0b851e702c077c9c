import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bindingOf } from '../../../plugins/app/mfa/challenge-store.ts'
import { newOpaqueToken } from '../../../plugins/app/opaque-token.ts'
import { ceremonySeconds } from '../../../plugins/app/passkeys/ceremony.ts'

/** `__Host-`: set only by this host, only over TLS, for all paths. RFC 6265bis section 4.1.3.2. */
const bindingCookie = '__Host-mfa'
const passkeyCookie = '__Host-passkey'

/** Binds the second step of a login to the client of the first one. */
export function newBinding(app: FastifyInstance, { headers }: FastifyRequest): { binding: string; cookie?: string } {
  const cookie = app.cookieMode.isOn && app.mfa.isOn ? newOpaqueToken() : undefined
  return { binding: bindingOf(headers['user-agent'], cookie), ...(cookie !== undefined && { cookie }) }
}

/** @param maxAge in seconds */
export function setBindingCookie(
  app: FastifyInstance,
  reply: FastifyReply,
  cookie: string | undefined,
  maxAge: number,
): void {
  if (cookie === undefined) return
  const { cookieSameSite: sameSite } = app.config
  const options = { path: '/', secure: true, httpOnly: true, sameSite, maxAge } as const
  reply.setCookie(bindingCookie, cookie, options)
}

export function presentedBinding(app: FastifyInstance, { headers }: FastifyRequest): string {
  const cookie = app.cookieMode.isOn ? app.parseCookie(headers.cookie ?? '')[bindingCookie] : undefined
  return bindingOf(headers['user-agent'], cookie)
}

/**
 * Binds a login by a passkey to the browser that got the options: in cookie mode by a cookie, which all its tabs share, and
 * otherwise by the `User-Agent`.
 */
export function bindPasskeyLogin(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): string {
  if (!app.cookieMode.isOn) return bindingOf(request.headers['user-agent'], undefined)
  const cookie = app.parseCookie(request.headers.cookie ?? '')[passkeyCookie] ?? newOpaqueToken()
  const { cookieSameSite: sameSite } = app.config
  reply.setCookie(passkeyCookie, cookie, { path: '/', secure: true, httpOnly: true, sameSite, maxAge: ceremonySeconds })
  return bindingOf(request.headers['user-agent'], cookie)
}

export function passkeyLoginBinding(app: FastifyInstance, { headers }: FastifyRequest): string {
  const cookie = app.cookieMode.isOn ? app.parseCookie(headers.cookie ?? '')[passkeyCookie] : undefined
  return bindingOf(headers['user-agent'], cookie)
}
