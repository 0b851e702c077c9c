import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readGoModule } from '../programs/go-module.ts'

test('the definitions of cert-manager are those of the controller that the tests run', async () => {
  const { versionOf } = await readGoModule(resolve(import.meta.dirname, 'go/cert-manager'))
  const definitions = await readFile(resolve(import.meta.dirname, '../checkers/definitions.ts'), 'utf8')
  expect(definitions).toContain(
    `'github.com/cert-manager/cert-manager@${versionOf('github.com/cert-manager/cert-manager')}'`,
  )
})
