import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileRevision } from '@authservice-operator/contract/file-revision.ts'
import { expect, onTestFinished, test } from 'vitest'
import { accountPagesClient } from './account-pages-client.ts'
import { ClientRegistry } from './client-registry.ts'

const fileOf = (id: string) => {
  const authentication = { method: 'none' }
  const client = { id, name: id, grants: ['authorization_code'], redirectUris: ['https://a.example.com/'] }
  return JSON.stringify({ version: 1, clients: [{ ...client, scopes: ['openid'], authentication }] })
}

test('the revision is that of the file in use: a file that cannot be used does not count', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'clients-')), 'clients.json')
  const replace = async (text: string) => {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
  const refusals: string[] = []
  const registry = new ClientRegistry(file, 'an-audience', accountPagesClient('https://auth.example.com'), (reason) =>
    refusals.push(reason),
  )
  onTestFinished(() => registry.stop())
  await replace(fileOf('first'))
  await registry.load()
  registry.follow()
  expect(registry.revision).toBe(fileRevision(fileOf('first')))

  await replace('{')
  await expect.poll(() => refusals, { timeout: 15_000 }).toHaveLength(1)
  expect(registry.revision).toBe(fileRevision(fileOf('first')))

  await replace(fileOf('second'))
  await expect.poll(() => registry.revision, { timeout: 15_000 }).toBe(fileRevision(fileOf('second')))
  expect(registry.find('second')).toBeDefined()
})
