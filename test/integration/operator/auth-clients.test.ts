import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { apiVersion, kind as clientKind } from '../../../operator/auth-client/api/group.ts'
import type { AuthClient } from '../../../operator/auth-client/api/schema.ts'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { kubeConfigAt } from '../support/kube-api.ts'
import { authServiceManifest, type Live, Namespace, type ObjectManifest } from '../support/namespace.ts'
import { startOperatorWith, untilQuiet, untilReconciled, writesOf } from '../support/operator-under-test.ts'
import { hasServerPods, ServerPod } from '../support/server-pod.ts'
import { untilReady } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let other: Namespace
let operator: Operator
let server: ServerPod

const withOidc = (clientNamespaces?: object) => ({
  oidc: { enabled: true, ...(clientNamespaces !== undefined && { clientNamespaces }) },
  tokens: { issuer: 'https://auth.example.com' },
})

/** Where no server can report what it has loaded, time decides. */
const clientLoadSeconds = hasServerPods ? 600 : 1

function start(): Operator {
  const scope = { watchNamespaces: [namespace.name, other.name] }
  return startOperatorWith(kubeConfigAt(kubeconfigPath), namespace, scope, { clientLoadSeconds })
}

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `clients-${Date.now()}`)
  other = await Namespace.create(kubeconfigPath, `shops-${Date.now()}`)
  operator = start()
  await namespace.apply(authServiceManifest('accounts', withOidc()))
  server = await ServerPod.run(namespace, 'accounts', '127.81.0.21')
})
afterAll(async () => {
  await operator.stop()
  server.close()
})

function clientManifest(name: string, spec: object = {}): ObjectManifest {
  const common = { authServiceRef: { name: 'accounts' }, redirectUris: [`https://${name}.example.com/callback`] }
  return { apiVersion, kind: clientKind, metadata: { name }, spec: { ...common, ...spec } }
}

const statusOf = async (name: string, of = namespace) => (await of.get<AuthClient>(clientKind, name))?.status

/** A condition as `status reason: message`. */
async function condition(name: string, type = 'Ready', of = namespace): Promise<string> {
  const found = (await statusOf(name, of))?.conditions?.find((one) => one.type === type)
  return found === undefined ? 'not set' : `${found.status} ${found.reason}: ${found.message}`
}

type SecretObject = Live & { data: Record<string, string> }

/** The decoded content of the Secret of a client. */
async function credentials(name: string, of = namespace): Promise<Record<string, string>> {
  const data = (await of.get<SecretObject>('Secret', `${name}-credentials`))?.data ?? {}
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )
}

interface FileEntry {
  id: string
  redirectUris: string[]
  authentication: { method: string; secretHashes?: string[] }
}

/** The file of the servers. */
async function fileOf(authService: string): Promise<{ clients: FileEntry[]; serviceAccountIssuers?: object[] }> {
  const data = (await namespace.get<SecretObject>('Secret', `${authService}-oidc-clients`))?.data ?? {}
  const text = Buffer.from(data['clients.json'] ?? '', 'base64').toString() || '{"clients":[]}'
  return JSON.parse(text)
}
/** The clients in the file of the servers. */
const published = async (authService = 'accounts') => (await fileOf(authService)).clients
const entryOf = async (id: string) => (await published()).find((entry) => entry.id === id)
const hash = (secret = '') => createHash('sha256').update(secret).digest('hex')
const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 30_000 })
const templateOf = async () => {
  const deployment = await namespace.get<Live & { spec: { template: object } }>('Deployment', 'accounts-blue')
  return deployment?.spec.template
}

describe('an AuthClient', () => {
  test('gets a Secret, its servers get the hash, and no pod is replaced', async () => {
    await untilReady(namespace, 'accounts', { timeout: 60_000 })
    const before = await templateOf()
    expect(before).toBeDefined()
    await namespace.apply(clientManifest('shop', { displayName: 'Shop', firstParty: true }))
    await poll(() => condition('shop')).toMatch(/^True Ready: Users can log in with the client ID \S+\.shop\./)
    const id = `${namespace.name}.shop`
    const secret = await credentials('shop')
    expect(secret).toEqual({
      client_id: id,
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      issuer: 'https://auth.example.com',
    })
    expect(await entryOf(id)).toMatchObject({
      id,
      name: 'Shop',
      firstParty: true,
      redirectUris: ['https://shop.example.com/callback'],
      grants: ['authorization_code', 'refresh_token'],
      scopes: ['openid', 'profile', 'email'],
      authentication: { method: 'secret', secretHashes: [hash(secret['client_secret'])] },
    })
    expect(await statusOf('shop')).toMatchObject({
      observedGeneration: 1,
      clientId: id,
      issuer: 'https://auth.example.com',
      secretName: 'shop-credentials',
      secretRotatedAt: expect.any(String),
    })
    expect(await condition('shop', 'Reconciling')).toMatch(/^False/)
    expect(await condition('shop', 'Stalled')).toMatch(/^False/)
    const { metadata } = (await namespace.get<SecretObject>('Secret', 'shop-credentials')) ?? {}
    const { metadata: owner } = (await namespace.get<AuthClient>(clientKind, 'shop')) ?? {}
    expect(metadata?.ownerReferences).toMatchObject([{ kind: 'AuthClient', name: 'shop', uid: owner?.uid }])
    expect(await templateOf()).toEqual(before)
  })

  test('that changes is changed at the servers, and stays ready', async () => {
    const id = `${namespace.name}.shop`
    await namespace.patch(clientKind, 'shop', { spec: { redirectUris: ['https://shop.example.com/other'] } })
    await poll(async () => (await entryOf(id))?.redirectUris).toEqual(['https://shop.example.com/other'])
    await poll(async () => (await statusOf('shop'))?.observedGeneration).toBe(2)
    expect(await condition('shop')).toMatch(/^True/)
  })

  test('that is public or has keys of its own gets no Secret, and one that it had is deleted', async () => {
    const key = {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    }
    await namespace.apply(clientManifest('spa', { authentication: { method: 'None' } }))
    await namespace.apply(
      clientManifest('bank', { authentication: { method: 'PrivateKeyJWT', jwks: { keys: [key] } } }),
    )
    for (const name of ['spa', 'bank']) {
      await poll(() => condition(name)).toMatch(/^True/)
      expect(await credentials(name)).toEqual({})
    }
    expect(await entryOf(`${namespace.name}.bank`)).toMatchObject({ authentication: { jwks: { keys: [key] } } })

    await namespace.apply(clientManifest('tool'))
    await poll(() => condition('tool')).toMatch(/^True/)
    await namespace.apply(
      clientManifest('tool', {
        type: 'Native',
        redirectUris: ['http://127.0.0.1/cb'],
        authentication: { method: 'None' },
      }),
    )
    await poll(() => credentials('tool')).toEqual({})
    await poll(async () => (await entryOf(`${namespace.name}.tool`))?.authentication).toEqual({ method: 'none' })
  })

  test('of a job gets its Secret, and its servers get the API that it may use', async () => {
    const resources = [{ uri: 'https://orders.example.com', scopes: ['orders:read'] }]
    await namespace.apply(clientManifest('job', { redirectUris: undefined, grants: ['client_credentials'], resources }))
    await poll(() => condition('job')).toMatch(/^True Ready: The client \S+\.job can get tokens\./)
    const entry = await entryOf(`${namespace.name}.job`)
    expect(entry).toMatchObject({ grants: ['client_credentials'], resources })
    expect(entry?.authentication.secretHashes).toEqual([hash((await credentials('job'))['client_secret'])])
  })

  test('with a ServiceAccount gets no Secret, and its servers get the keys that verify the tokens', async () => {
    const authentication = { method: 'ServiceAccount', serviceAccount: { names: ['worker'] } }
    await namespace.apply(clientManifest('worker', { authentication }))
    await poll(() => condition('worker')).toMatch(/^True Ready/)
    expect(await credentials('worker')).toEqual({})
    expect((await entryOf(`${namespace.name}.worker`))?.authentication).toEqual({
      method: 'serviceAccount',
      issuer: 'https://kubernetes.default.svc',
      subjects: [`system:serviceaccount:${namespace.name}:worker`],
      audience: 'https://auth.example.com',
    })
    const issuers = (await fileOf('accounts')).serviceAccountIssuers
    expect(issuers).toEqual([
      {
        issuer: 'https://kubernetes.default.svc',
        jwks: { keys: [expect.objectContaining({ kty: 'EC', alg: 'ES256' })] },
      },
    ])
    await namespace.remove(clientKind, 'worker')
    await poll(async () => (await fileOf('accounts')).serviceAccountIssuers).toBeUndefined()
  })

  test('that servers would refuse says why, and does not disturb the others', async () => {
    await namespace.apply(clientManifest('bad', { redirectUris: ['https://bad.example.com/a/../b'] }))
    await poll(() => condition('bad', 'Stalled')).toMatch(
      /^True Invalid: Correct the spec: redirectUris: \S+ has \. or \.\. as a part of its path/,
    )
    expect(await condition('bad')).toMatch(/^False Invalid/)
    await namespace.apply(clientManifest('good'))
    await poll(() => condition('good')).toMatch(/^True/)
    expect((await published()).map(({ id }) => id)).not.toContain(`${namespace.name}.bad`)
  })

  test('that is deleted is gone from the servers', async () => {
    const id = `${namespace.name}.good`
    await poll(() => entryOf(id)).toBeDefined()
    await namespace.remove(clientKind, 'good')
    await poll(() => entryOf(id)).toBeUndefined()
  })
})

describe.skipIf(!hasServerPods)('a server that has not loaded a change yet', () => {
  afterEach(() => {
    server.follows = true
  })

  test('is annotated once, so that its kubelet shows the file, and a new client waits for it', async () => {
    server.follows = false
    await namespace.apply(clientManifest('waiting'))
    await poll(() => condition('waiting')).toMatch(/^False Progressing: 1 of 1 servers have not loaded it yet/)
    await poll(() => entryOf(`${namespace.name}.waiting`)).toBeDefined()
    await poll(() => server.refreshedFor()).toBe(await server.wantedRevision())
    await untilQuiet(operator)
    expect(await condition('waiting')).toMatch(/^False/)

    server.follows = true
    await poll(() => condition('waiting')).toMatch(/^True Ready/)
    await untilQuiet(operator)
    const writes = await writesOf(operator)
    await untilReconciled(operator, () =>
      namespace.patch('Pod', server.name, { metadata: { labels: { more: 'yes' } } }),
    )
    expect(await writesOf(operator), 'and the pod is annotated no more').toBe(writes)
  })

  test('keeps the application from its next secret, and a changed client from being settled', async () => {
    const { client_secret: first } = await credentials('waiting')
    server.follows = false
    await namespace.patch(clientKind, 'waiting', {
      metadata: { annotations: { 'auth-operator.dev/rotate-secret': 'monday' } },
    })
    await poll(() => condition('waiting', 'Reconciling')).toMatch(/^True Progressing: 1 of 1 servers/)
    expect(await condition('waiting')).toMatch(/^True/)
    await untilQuiet(operator)
    expect(await credentials('waiting')).toMatchObject({ client_secret: first, next_client_secret: expect.any(String) })

    server.follows = true
    await poll(async () => (await credentials('waiting'))['client_secret']).not.toBe(first)
    await poll(() => condition('waiting', 'Reconciling')).toMatch(/^False/)
  })

  test('that is not there is waited for', async () => {
    await namespace.apply(authServiceManifest('empty', withOidc()))
    await namespace.apply(clientManifest('lonely', { authServiceRef: { name: 'empty' } }))
    await poll(() => condition('lonely')).toBe('False Progressing: No server of the AuthService is ready.')
    await namespace.remove(clientKind, 'lonely')
    await namespace.remove(kind, 'empty')
  })
})

describe('the secret of an AuthClient', () => {
  test('rotates on request: servers get the next one first, the application then, and the previous one stays', async () => {
    await namespace.apply(clientManifest('rotated'))
    await poll(() => condition('rotated')).toMatch(/^True/)
    const first = (await credentials('rotated'))['client_secret']
    await namespace.patch(clientKind, 'rotated', {
      metadata: { annotations: { 'auth-operator.dev/rotate-secret': 'monday' } },
    })
    await poll(async () => (await credentials('rotated'))['client_secret']).not.toBe(first)
    const after = await credentials('rotated')
    expect(after).not.toHaveProperty('next_client_secret')
    const hashes = [hash(after['client_secret']), hash(first)]
    await poll(async () => (await entryOf(`${namespace.name}.rotated`))?.authentication.secretHashes).toEqual(hashes)
    await poll(async () => (await statusOf('rotated'))?.previousSecretUntil).toBeDefined()
    await untilQuiet(operator)
    expect((await credentials('rotated'))['client_secret'], 'one value rotates once').toBe(after['client_secret'])
  })

  test('that is lost or weak is replaced at once', async () => {
    const id = `${namespace.name}.rotated`
    await namespace.patch('Secret', 'rotated-credentials', {
      data: { client_secret: Buffer.from('password').toString('base64') },
    })
    await poll(async () => (await credentials('rotated'))['client_secret']).toMatch(/^[\w-]{43}$/)
    await namespace.remove('Secret', 'rotated-credentials')
    await poll(async () => (await credentials('rotated'))['client_secret']).toMatch(/^[\w-]{43}$/)
    await poll(async () => {
      const secret = (await credentials('rotated'))['client_secret']
      return (await entryOf(id))?.authentication.secretHashes?.[0] === hash(secret)
    }).toBe(true)
  })

  test('is not written over a Secret of others', async () => {
    const data = { client_secret: Buffer.from('ours').toString('base64') }
    await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'foreign-credentials' }, data })
    await namespace.apply(clientManifest('foreign'))
    await poll(() => condition('foreign', 'Stalled')).toMatch(/^True SecretNotOwned: Secret foreign-credentials exists/)
    expect((await credentials('foreign'))['client_secret']).toBe('ours')
    await namespace.remove('Secret', 'foreign-credentials')
    await poll(() => condition('foreign')).toMatch(/^True/)
  })
})

describe('an AuthService', () => {
  const namedFrom = (name: string) =>
    clientManifest(name, { authServiceRef: { name: 'accounts', namespace: namespace.name } })

  test('accepts clients of the namespaces that it admits, and drops them when it no longer does', async () => {
    await other.apply(namedFrom('remote'))
    const of = () => condition('remote', 'Ready', other)
    await poll(of).toMatch(/^False NamespaceNotAllowed: .*Add \S+ to oidc\.clientNamespaces\.names/)
    expect(await other.get('Secret', 'remote-credentials')).toBeUndefined()

    await namespace.patch(kind, 'accounts', {
      spec: { oidc: { clientNamespaces: { from: 'Names', names: [other.name] } } },
    })
    await poll(of).toMatch(/^True/)
    expect(await entryOf(`${other.name}.remote`)).toBeDefined()

    await namespace.patch(kind, 'accounts', { spec: { oidc: { clientNamespaces: null } } })
    await poll(of).toMatch(/^False NamespaceNotAllowed/)
    await poll(() => entryOf(`${other.name}.remote`)).toBeUndefined()
    await namespace.patch(kind, 'accounts', { spec: { oidc: { clientNamespaces: { from: 'All' } } } })
    await poll(of).toMatch(/^True/)
  })

  test('admits receivers of logout tokens by host and port, and no pod is replaced', async () => {
    const backchannelLogoutUri = 'https://told.shops.svc:8443/logout'
    const before = await templateOf()
    await namespace.apply(clientManifest('told', { backchannelLogoutUri }))
    const admission = () => condition('told', 'BackchannelLogout')
    await poll(admission).toMatch(/^False ReceiverNotAdmitted: .*told\.shops\.svc, port 8443\. Add both/)
    const id = `${namespace.name}.told`
    await poll(() => entryOf(id)).toBeDefined()
    expect(await entryOf(id)).not.toHaveProperty('backchannelLogoutUri')

    const receivers = [{ host: 'told.shops.svc', port: 8443 }]
    await namespace.patch(kind, 'accounts', { spec: { oidc: { backchannelLogout: { receivers } } } })
    await poll(admission).toMatch(/^True ReceiverAdmitted/)
    await poll(() => entryOf(id)).toMatchObject({ backchannelLogoutUri })
    expect(await fileOf('accounts')).toMatchObject({ logoutReceivers: receivers })

    await namespace.patch(kind, 'accounts', { spec: { oidc: { backchannelLogout: null } } })
    await poll(admission).toMatch(/^False ReceiverNotAdmitted/)
    await poll(() => entryOf(id)).not.toHaveProperty('backchannelLogoutUri')
    expect(await templateOf()).toEqual(before)
  })

  test('that does not exist, or is no OpenID provider, is named by its clients', async () => {
    await namespace.apply(clientManifest('early', { authServiceRef: { name: 'later' } }))
    await poll(() => condition('early')).toMatch(/^False AuthServiceNotFound: AuthService \S+\/later does not exist/)
    await namespace.apply(authServiceManifest('later'))
    await poll(() => condition('early')).toMatch(/^False OpenIDConnectDisabled: .* Write oidc\.enabled: true/)
    await namespace.patch(kind, 'later', { spec: withOidc() })
    await poll(() => condition('early')).toMatch(/^False Progressing/)

    await namespace.patch(clientKind, 'early', { spec: { authServiceRef: { name: 'accounts' } } })
    await poll(() => entryOf(`${namespace.name}.early`)).toBeDefined()
    await poll(() => published('later')).toEqual([])
  })

  test('keeps its clients when the operator restarts, which writes nothing', async () => {
    await untilQuiet(operator)
    const before = await published()
    expect(before.length).toBeGreaterThan(3)
    await operator.stop()
    operator = start()
    await untilQuiet(operator)
    expect(await published()).toEqual(before)
    expect(await condition('shop')).toMatch(/^True/)
    expect(await writesOf(operator)).toBe(0)
  })
})
