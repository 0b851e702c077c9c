import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { apply, kubectl, sample } from './cluster-under-test.ts'

const directory = resolve(import.meta.dirname, '../../manifests/samples')
const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'))

test.each(files)('the API server accepts %s', async (file) => {
  const answer = await kubectl().run(['apply', '--dry-run=server', '--filename', join(directory, file)])
  expect(answer).toMatch(/authservice\.auth-operator\.dev\/\S+ (created|configured|unchanged)/)
})

test('the API server refuses a mistake in the YAML and says what to write instead', async () => {
  const manifest = await sample('quickstart.yaml')
  manifest.spec['mongodb'] = { managed: {}, external: { urlSecretRef: { name: 'a', key: 'url' } } }
  await expect(apply('default', manifest)).rejects.toThrow(/mongodb.*exactly one of/s)
})
