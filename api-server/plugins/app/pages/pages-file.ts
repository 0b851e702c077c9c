import { readFile } from 'node:fs/promises'
import { parsePagesFile } from '@authservice-operator/contract/pages-file.ts'
import type { FastifyInstance } from 'fastify'
import { brandOf } from '../../../pages/brand.ts'
import { placeholdersOfTexts } from '../../../pages/messages.ts'
import { Pages } from '../../../pages/pages.ts'
import { FollowedFile } from '../followed-file.ts'

/**
 * The pages with the brand of a file, which is read again when it changes. An unusable file changes nothing: a server
 * that starts with one has the plain pages, because users must be able to log in.
 *
 * @param file undefined: the plain pages
 */
export async function startPages(app: FastifyInstance, file: string | undefined): Promise<Pages> {
  const pages = new Pages(app.config.issuer, (header) => app.parseCookie(header))
  if (file === undefined) return pages
  let shown = ''
  const read = async () => {
    const text = await readFile(file, 'utf8')
    if (text === shown) return
    const parsed = parsePagesFile(text, placeholdersOfTexts)
    if (parsed.kind === 'corrupt') throw new Error(`the pages in ${file} cannot be used: ${parsed.problems.join('; ')}`)
    pages.replaceBrand(brandOf(parsed.file))
    shown = text
  }
  const followed = new FollowedFile(file, read, (reason) =>
    app.log.error({ reason }, 'the earlier brand of the pages stays in use'),
  )
  await followed.look()
  followed.follow()
  app.addHook('onClose', () => followed.stop())
  return pages
}
