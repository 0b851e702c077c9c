import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import bcrypt from 'bcrypt'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'
import { documentedBlocks } from '../../documentation/blocks.ts'
import { guideBlock } from '../../documentation/guide.ts'
import { Namespace } from '../support/namespace.ts'
import { type AppForTest, freshDatabase, password, startApp } from './app-for-test.ts'

/** The commands of docs/guides/migrate.md, with exports in the formats of Keycloak and Auth0. */
const DATABASE_NAME = freshDatabase()
let folder: string
let server: AppForTest

const realm = {
  realm: 'shop',
  users: [
    {
      username: 'ada',
      email: 'Ada@Example.com',
      emailVerified: true,
      enabled: true,
      firstName: 'Ada',
      lastName: 'Lovelace',
      credentials: [
        { type: 'password', secretData: '{"value":"…","salt":"…"}', credentialData: '{"algorithm":"argon2"}' },
      ],
    },
    { username: 'service-account-job', enabled: true, serviceAccountClientId: 'job' },
  ],
  clients: [
    {
      clientId: 'Shop_Web',
      name: 'Shop',
      enabled: true,
      standardFlowEnabled: true,
      publicClient: false,
      consentRequired: false,
      secret: 'of Keycloak',
      redirectUris: ['https://shop.example.com/callback'],
      attributes: { 'post.logout.redirect.uris': 'https://shop.example.com/##https://shop.example.com/bye' },
    },
    {
      clientId: 'photos',
      enabled: true,
      standardFlowEnabled: true,
      publicClient: true,
      consentRequired: true,
      redirectUris: ['https://photos.example.com/'],
      attributes: {},
    },
    { clientId: 'account', enabled: true, standardFlowEnabled: true, redirectUris: ['/realms/shop/account/*'] },
    { clientId: 'admin-cli', enabled: true, standardFlowEnabled: false, redirectUris: [] },
  ],
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-migrate-'))
  await symlink(resolve(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
  const auth0 = [
    { email: 'grace@example.com', name: 'Grace', passwordHash: bcrypt.hashSync(password, 10) },
    { email: 'blocked@example.com', name: 'Blocked', passwordHash: bcrypt.hashSync(password, 10), blocked: true },
  ]
  await writeFile(join(folder, 'auth0.json'), auth0.map((user) => JSON.stringify(user)).join('\n'))
  await writeFile(join(folder, 'realm.json'), JSON.stringify(realm))
  await writeFile(join(folder, 'import.mjs'), guideBlock('migrate.md', 'js'))
  const blocks = documentedBlocks().filter(
    ({ page, language }) => page === 'docs/guides/migrate.md' && language === 'sh',
  )
  expect(blocks).toHaveLength(2)
  for (const { text } of blocks) await execa('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder })
  server = await startApp({ DATABASE_NAME })
})
afterAll(async () => {
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

async function importUsers(): Promise<string> {
  const env = { MONGODB_URL: inject('mongoUrl'), DATABASE_NAME }
  const inputFile = join(folder, 'users.ndjson')
  return (await execa(process.execPath, ['import.mjs'], { cwd: folder, env, inputFile })).stdout
}

test('users with bcrypt hashes log in, others after a new password, and blocked ones never', async () => {
  expect(await importUsers()).toBe('3 users imported')
  expect(await importUsers()).toBe('0 users imported')
  const logIn = (email: string, text = password) => server.post('/v1/auth/login', { email, password: text })
  expect(await logIn('grace@example.com')).toMatchObject({ status: 200 })
  expect((await logIn('blocked@example.com')).status).toBeGreaterThanOrEqual(400)
  expect(await logIn('ada@example.com', '')).not.toMatchObject({ status: 200 })
  expect(await logIn('ada@example.com')).toMatchObject({ status: 401 })
  expect(await server.app.mongo.db.collection('users').findOne({ email: 'ada@example.com' })).toMatchObject({
    name: 'Ada Lovelace',
    role: 'user',
    is_active: true,
  })
  expect(await server.post('/v1/auth/password/forgot', { email: 'Ada@example.com' })).toMatchObject({ status: 202 })
})

test('an API server accepts the AuthClients of a realm', async () => {
  const { kubeconfigPath } = inject('apiServer')
  const namespace = await Namespace.create(kubeconfigPath, `migrate-${Date.now()}`)
  const { kubectl } = await kubernetesBinaries()
  const options = ['--server-side', '--dry-run=server', '--validate=strict', '--namespace', namespace.name]
  const file = join(folder, 'clients.json')
  await execa(kubectl, ['--kubeconfig', kubeconfigPath, 'apply', ...options, '--filename', file])
  const { items } = JSON.parse(await readFile(file, 'utf8'))
  expect(items).toMatchObject([
    {
      metadata: { name: 'shop-web' },
      spec: {
        displayName: 'Shop',
        firstParty: true,
        redirectUris: ['https://shop.example.com/callback'],
        postLogoutRedirectUris: ['https://shop.example.com/', 'https://shop.example.com/bye'],
        authentication: { method: 'Secret' },
      },
    },
    { metadata: { name: 'photos' }, spec: { firstParty: false, authentication: { method: 'None' } } },
  ])
  expect(JSON.stringify(items)).not.toContain('of Keycloak')
})
