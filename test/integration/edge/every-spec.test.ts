import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import { type AuthServiceSpec, AuthServiceSpecSchema } from '../../../operator/authservice/api/spec.ts'
import { nginxConfig } from '../../../operator/authservice/resources/edge/nginx-config.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import { nginxDirectory } from '../../../tools/local-servers/nginx.ts'

const run = promisify(execFile)
const { ingress, tokens, rateLimits, environment } = AuthServiceSpecSchema.properties
let folder = ''
let nginx = ''

beforeAll(async () => {
  nginx = join(await nginxDirectory(), 'nginx')
  folder = await mkdtemp(join(tmpdir(), 'authservice-nginx-'))
  const certificate = issueCertificate(['auth.example.com'], new Date())
  await mkdir(join(folder, 'scratch'))
  await writeFile(join(folder, 'tls.crt'), certificate['tls.crt'] ?? '')
  await writeFile(join(folder, 'tls.key'), certificate['tls.key'] ?? '')
  await writeFile(
    join(folder, 'upstream.conf'),
    "map '' $preview { default 127.0.0.1:9; }\nupstream server { server 127.0.0.1:9; }\n",
  )
})
afterAll(() => rm(folder, { recursive: true }))

/** The JSON Schema keywords of a field, which its TypeScript type does not show. */
interface Keywords {
  pattern?: string
  maxLength?: number
  minimum?: number
  maximum?: number
}
const keywordsOf = (schema: object): Keywords => schema

/** Strings that the schema accepts, long ones too. */
const textOf = (schema: object) => {
  const { pattern = '', maxLength = 0 } = keywordsOf(schema)
  return fc
    .oneof(
      fc.stringMatching(new RegExp(pattern)),
      fc.stringMatching(new RegExp(pattern), { size: '+2' }).map((text) => text.slice(0, maxLength)),
    )
    .filter((text) => text.length > 0 && text.length <= maxLength && new RegExp(pattern).test(text))
}

const { minimum: min = 0, maximum: max = 0 } = keywordsOf(rateLimits.properties.burst)
const rate = textOf(rateLimits.properties.perClient)
const spec: fc.Arbitrary<AuthServiceSpec> = fc.record({
  environment: fc.constantFrom(...environment.enum),
  mongodb: fc.constant({}),
  redis: fc.constant({}),
  tokens: fc.record({ issuer: textOf(tokens.properties.issuer) }),
  rollout: fc.record(
    { blueGreen: fc.record({ previewHost: textOf(ingress.properties.host) }, { requiredKeys: [] }) },
    { requiredKeys: [] },
  ),
  rateLimits: fc.record(
    {
      perClient: rate,
      login: rate,
      register: rate,
      refresh: rate,
      reset: rate,
      burst: fc.integer({ min, max }),
    },
    { requiredKeys: [] },
  ),
  ingress: fc.record({ host: textOf(ingress.properties.host) }, { requiredKeys: [] }),
})

test('Nginx accepts the configuration of every spec that the schema accepts', async () => {
  const layout = {
    config: '/none',
    tls: '/none',
    secret: '/none',
    own: folder,
    scratch: join(folder, 'scratch'),
    ports: { http: 18_080, https: 18_443, health: 18_081 },
  }
  let longest = 0
  await fc.assert(
    fc.asyncProperty(spec, async (one) => {
      const resolved = resolveSpec({ metadata: { name: 'accounts', namespace: 'team-a' }, spec: one })
      longest = Math.max(longest, resolved.ingress.host.length)
      await writeFile(join(folder, 'nginx.conf'), nginxConfig(resolved, layout))
      // Nginx opens its standard error by path, which Node's pipes do not support.
      const test = `"$0" -t -q -e /dev/stderr -c ${folder}/nginx.conf >problem 2>&1 || { cat problem; exit 1; }`
      await run('sh', ['-c', test, nginx], { cwd: folder })
    }),
    { numRuns: 60 },
  )
  expect(longest).toBeGreaterThan(64)
})

test.each([
  'https://a;internal',
  'https://a"b',
  "https://a'b",
  'https://a{b',
  'https://$host',
  'https://a\nb',
  'https://a b',
])('the schema refuses the issuer %j, and it never becomes a host', (issuer) => {
  expect(new RegExp(keywordsOf(tokens.properties.issuer).pattern ?? '').test(issuer)).toBe(false)
  const metadata = { name: 'accounts', namespace: 'team-a' }
  const resolved = resolveSpec({ metadata, spec: { mongodb: {}, redis: {}, tokens: { issuer } } })
  expect(resolved.ingress.host).toBe('accounts.localhost')
})
