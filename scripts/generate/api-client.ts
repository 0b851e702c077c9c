import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'

const example = resolve(import.meta.dirname, '../../docs/server/client')

/**
 * The types of the API, in the same form as the example in docs/server/client generates them from a running server.
 * openapi-typescript needs an older TypeScript than this project, so it is a dependency of that example, and runs
 * separately.
 */
export function apiTypes(document: OpenApi.Document): string {
  const manifest = createRequire(join(example, 'package.json')).resolve('openapi-typescript/package.json')
  const made = spawnSync(process.execPath, [join(manifest, '../bin/cli.js')], {
    cwd: example,
    input: JSON.stringify(document),
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(`openapi-typescript failed:\n${made.stderr}`)
  return made.stdout
}
