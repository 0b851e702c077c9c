import { expect, test } from 'vitest'
import { resolveSpec } from '../../api/defaults.ts'
import { noExposure } from '../../model/exposure.ts'
import type { PodTemplate } from '../../model/revision.ts'
import { serverTemplate } from '../../resources/server/server.ts'
import { unsharedStates } from './colors-apart.ts'

const template = (env: Record<string, string>, volumes: Record<string, string> = {}): PodTemplate => ({
  metadata: { labels: {} },
  spec: {
    containers: [{ name: 'server', env: Object.entries(env).map(([name, value]) => ({ name, value })) }],
    volumes: Object.entries(volumes).map(([name, secretName]) => ({ name, secret: { secretName } })),
  },
})
const base = {
  MONGODB_URL_FILE: '/etc/mongodb/url',
  JWT_ISSUER: 'https://a.example.com',
  REDIS_HOST: 'r',
  LOG_LEVEL: 'info',
}

/** The template of a spec with this URL of an external MongoDB. */
function templateWith(url: string, { secret = 'mongodb', database = 'auth' } = {}): PodTemplate {
  const metadata = { name: 'accounts', namespace: 'team-a', uid: 'uid' }
  const mongodb = { external: { urlSecretRef: { name: secret, key: 'url' } }, database }
  const spec = { environment: 'staging', redis: {}, ingress: { type: 'None' }, mongodb } as const
  return serverTemplate({
    owner: metadata,
    resolved: resolveSpec({ metadata, spec }),
    images: { server: 's:1', setup: 's:1', redis: 'r', mongodb: 'm', nginx: 'n' },
    restartedBy: undefined,
    edgeShowsSecret: true,
    secrets: [{ name: 'accounts-email-hash', type: 'Opaque', data: { secret: 'a key' } }],
    referencedSecrets: new Map([[secret, { url }]]),
    exposure: noExposure,
  })
}

const first = 'mongodb://app:one@m1.example.com,m2.example.com/?replicaSet=rs0'
test.each<[string, string, { secret?: string; database?: string }, string[]]>([
  ['another password', 'mongodb://app:t%40o@m1.example.com,m2.example.com/?replicaSet=rs0', {}, []],
  ['another user, in a Secret of another name', 'mongodb://new:two@M1.example.com:27017/', { secret: 'next' }, []],
  ['a member that took the place of another one', 'mongodb://app:one@m2.example.com,m3.example.com/', {}, []],
  ['other servers in the same Secret', 'mongodb://app:one@n1.example.com/?replicaSet=rs0', {}, ['database']],
  ['another port', 'mongodb://app:one@m1.example.com:27018/?replicaSet=rs0', {}, ['database']],
  ['another database on the same servers', first, { database: 'next' }, ['database']],
  ['the servers of an SRV record', 'mongodb+srv://app:one@m1.example.com/', {}, ['database']],
])(
  'a URL of MongoDB with %s is distinguished from that of another database by its hosts',
  (_, url, where, expected) => {
    const [before, after] = [templateWith(first), templateWith(url, where)]
    expect(unsharedStates(before, after)).toEqual(expected)
    expect(unsharedStates(after, before)).toEqual(expected)
    expect(JSON.stringify(after)).not.toContain('example.com')
  },
)

test('an earlier operator did not record the servers of a URL, and the same Secret counts as the same database', () => {
  const { metadata, spec } = templateWith(first)
  const { 'auth-operator.dev/database-servers-hash': _, ...annotations } = metadata.annotations ?? {}
  expect(unsharedStates({ metadata: { ...metadata, annotations }, spec }, templateWith(first))).toEqual([])
})

test.each([
  ['a log level', template({ ...base, LOG_LEVEL: 'debug' }), []],
  ['another issuer', template({ ...base, JWT_ISSUER: 'https://b.example.com' }), ['tokens']],
  ['another Secret of keys', template(base, { keys: 'own-keys' }), ['tokens']],
  ['another database', template({ ...base, DATABASE_NAME: 'next' }), ['database']],
  ['another MongoDB and Redis', template({ ...base, REDIS_HOST: 's' }, { mongodb: 'mine' }), ['database', 'redis']],
])('a revision with %s shares everything else with the previous one, in both directions', (_, next, expected) => {
  expect(unsharedStates(template(base), next)).toEqual(expected)
  expect(unsharedStates(next, template(base))).toEqual(expected)
})
