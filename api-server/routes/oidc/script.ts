import type { FastifyInstance } from 'fastify'
import { passkeyScript, scriptPath } from '../../pages/passkey-script.ts'

/** The script of the pages. Browsers ask for it anew with each page, because servers of two versions may answer. */
export default async function script(app: FastifyInstance): Promise<void> {
  const options = { schema: { hide: true }, config: { worksWithoutDatabase: true } }
  app.get(scriptPath, options, (_request, reply) =>
    reply
      .headers({ 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-cache' })
      .send(passkeyScript),
  )
}
