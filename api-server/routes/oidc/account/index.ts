import type { FastifyInstance } from 'fastify'
import { pathOf } from '../../../pages/account/layout.ts'
import { errorPage } from '../../../pages/error.ts'
import { pageHeaders } from '../../../pages/layout.ts'
import { basePathOf } from '../../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../../plugins/app/oidc/open-id-provider.ts'
import { textOf } from '../forms.ts'
import { factorPages } from './factors.ts'
import { identityPages } from './identities.ts'
import linkPages from './links.ts'
import { profilePages } from './profile.ts'
import { sessionPages } from './sessions.ts'
import { stepUpPages } from './step-up.ts'
import { sectionIn, Visits } from './visits.ts'

/** The pages of mailed links, and those of a user's own account. */
export default async function accountRoutes(app: FastifyInstance, { oidc }: { oidc: OpenIdProvider }): Promise<void> {
  await app.register(linkPages, { pages: oidc.pages })
  const visits = new Visits(app, oidc)
  profilePages(app, visits)
  sessionPages(app, visits)
  if (app.mfa.isOn) {
    factorPages(app, oidc, visits)
    stepUpPages(app, visits)
  }
  if (app.config.identityProvidersFile !== undefined) identityPages(app, visits)
  // The code is of no use, and not needed: the login of the browser opens the pages.
  app.get('/callback', { schema: { hide: true } }, async (request, reply) => {
    const error = textOf(request.query, 'error')
    const base = `${basePathOf(app.config.issuer)}/account`
    if (error === undefined) {
      return reply.header('cache-control', 'no-store').redirect(pathOf({ base }, sectionIn(request.query)), 303)
    }
    const page = oidc.pages.contextOf(request.raw)
    const message = page.t('account.notLoggedIn')
    return reply
      .code(400)
      .headers(pageHeaders(page))
      .send(errorPage(page, { code: 'login_required', message }))
  })
}
