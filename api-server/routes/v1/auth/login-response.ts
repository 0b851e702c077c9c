import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { setDeviceCookie } from '../../../plugins/app/login-attempts/device-cookie.ts'
import type { LoggedIn } from '../../../plugins/app/sessions/begin-session.ts'
import { publicUser } from '../../../plugins/app/users/user.ts'
import { accessTokenResponse } from './token-response.ts'

/** The body and the cookies of a response that begins a session. */
export function loginAnswer(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  { user, tokens, deviceCookie }: LoggedIn,
) {
  const { cookieMode } = app
  setDeviceCookie(app, reply, deviceCookie)
  const { access, refreshToken, session } = tokens
  const answer = { ...accessTokenResponse(access), user: publicUser(user) }
  if (!cookieMode.isOn) return { ...answer, refresh_token: refreshToken }
  cookieMode.setRefreshToken(reply, refreshToken, session)
  return { ...answer, csrf_token: cookieMode.csrfToken(request, reply, { fresh: true }) }
}
