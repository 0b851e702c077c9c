import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { basePathOf, interactionPath, interactionSeconds } from './build-provider.ts'

/**
 * Remembers in a browser which login goes on there when the user comes back by a mailed link. It has only the path of the
 * login, whose pages need its own cookie, too: in another browser, it leads nowhere.
 * @param uid of the interaction
 */
export function rememberLogin({ config: { issuer } }: FastifyInstance, reply: FastifyReply, uid: string): void {
  reply.setCookie(nameOf(issuer), uid, {
    path: `${basePathOf(issuer)}/account`,
    httpOnly: true,
    sameSite: 'lax',
    secure: issuer.startsWith('https:'),
    maxAge: interactionSeconds,
  })
}

/** The path of the login that goes on in this browser; undefined if there is none. */
export function rememberedLogin(app: FastifyInstance, { headers }: FastifyRequest): string | undefined {
  const { issuer } = app.config
  const uid = app.parseCookie(headers.cookie ?? '')[nameOf(issuer)]
  // A neighbouring domain may have planted the cookie.
  if (uid === undefined || !/^[\w-]{1,64}$/.test(uid)) return undefined
  return `${basePathOf(issuer)}${interactionPath}/${uid}`
}

/** `__Secure-`: set only over TLS. RFC 6265bis section 4.1.3.1. */
function nameOf(issuer: string): string {
  return issuer.startsWith('https:') ? '__Secure-continue' : 'continue'
}
