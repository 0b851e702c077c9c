import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readGoModule } from '../programs/go-module.ts'

test.each([
  ['cert-manager', 'github.com/cert-manager/cert-manager'],
  ['traefik', 'github.com/traefik/traefik/v3'],
])('the definitions of %s are those of the program that the tests run', async (folder, module) => {
  const { versionOf } = await readGoModule(resolve(import.meta.dirname, 'go', folder))
  const definitions = await readFile(resolve(import.meta.dirname, '../checkers/definitions.ts'), 'utf8')
  expect(definitions).toContain(`'${module}@${versionOf(module)}'`)
})
