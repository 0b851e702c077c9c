import type { FastifyError, FastifyInstance } from 'fastify'
import { languagePath, type Pages } from '../../pages/pages.ts'
import { problem } from '../../plugins/app/problems/problem.ts'
import { replyWithFailure } from './failure.ts'

/** A year, in seconds. */
const rememberedSeconds = 31_536_000

/** Remembers the language that a user chose on a page, and shows the page again. It works without JavaScript. */
export default async function language(app: FastifyInstance, { pages }: { pages: Pages }): Promise<void> {
  const { issuer } = app.config
  app.setErrorHandler((error: FastifyError, request, reply) => replyWithFailure(error, request, reply, pages))
  app.get<{ Querystring: { language?: unknown; to?: unknown } }>(
    languagePath,
    { schema: { hide: true }, config: { worksWithoutDatabase: true } },
    (request, reply) => {
      const { language: chosen, to } = request.query
      const target = typeof to === 'string' ? URL.parse(to, issuer) : null
      // Any site can link here, so it leads only to pages of this server.
      if (target?.origin !== new URL(issuer).origin || !pages.offers(String(chosen))) {
        throw problem(404, 'not_found', 'The language or the page does not exist.')
      }
      return reply
        .setCookie(pages.languageCookie, String(chosen), {
          path: '/',
          httpOnly: true,
          sameSite: 'lax',
          secure: issuer.startsWith('https:'),
          maxAge: rememberedSeconds,
        })
        .header('cache-control', 'no-store')
        .redirect(target.pathname + target.search, 303)
    },
  )
}
