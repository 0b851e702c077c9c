import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { reasons } from './reasons.ts'

test('docs/oidc-clients.md explains every reason', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/oidc-clients.md'), 'utf8')
  const unexplained = Object.keys(reasons).filter((reason) => !page.includes(`| \`${reason}\` |`))
  expect(unexplained).toEqual([])
})
