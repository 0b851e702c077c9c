import type { FastifyInstance } from 'fastify'
import type { Outcome } from '../../../pages/account/layout.ts'
import { sessionsPage } from '../../../pages/account/sessions.ts'
import { endOtherSessions, endOwnSession, listOwnSessions } from '../../../plugins/app/sessions/own-sessions.ts'
import { textOf } from '../forms.ts'
import type { Visit, Visits } from './visits.ts'

/** The page with the sessions of the user: logins, and applications. */
export function sessionPages(app: FastifyInstance, visits: Visits): void {
  const list = async ({ view, claims, caller, now }: Visit, outcome: Outcome) => {
    const sessions = await listOwnSessions(app, claims.sub, caller, now)
    const shown = sessions.map(({ _id: id, oauth, device, address, createdAt, lastUsedAt }) => ({
      id,
      clientName: oauth === undefined ? undefined : (app.oidc?.nameOf(oauth.clientId) ?? oauth.clientId),
      device,
      address,
      createdAt,
      lastUsedAt,
      isCurrent: id === claims.sid,
    }))
    return sessionsPage(view, shown, outcome)
  }
  visits.page('/sessions', 'sessions', list)
  visits.form('/sessions/end', 'sessions', list, async ({ claims, body, caller }) => {
    await endOwnSession(app, claims.sub, textOf(body, 'id') ?? '', caller)
    return 'done.ended'
  })
  visits.form('/sessions/end-others', 'sessions', list, async ({ claims, caller, now }) => {
    await endOtherSessions(app, claims.sub, claims.sid, caller, now)
    return 'done.ended'
  })
}
