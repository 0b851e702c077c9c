import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import { issueCertificate, systemIssuer } from '../secrets/system-sources.ts'
import { findSecretProblems } from './secret-references.ts'

const now = new Date('2026-11-24T12:00:00Z')
const hash = '0'.repeat(64)
const mail = {
  smtp: {
    host: 'smtp.example.com',
    credentialsSecretRef: { name: 's', passwordKey: 'pass' },
    caSecretRef: { name: 's', key: 'ca.crt' },
  },
  from: 'no-reply@example.com',
  passwordResetURL: 'https://app.example.com/{token}',
  emailVerificationURL: 'https://app.example.com/{token}',
}
const oauth = { clientsSecretRef: { name: 's', key: 'clients' } }
const initialAdmin = { email: 'admin@example.com', passwordSecretRef: { name: 's', key: 'password' } }

const problemsOf = (change: Partial<AuthServiceSpec>, secret: Record<string, string>) => {
  const metadata = { name: 'accounts', namespace: 'team-a' }
  const resolved = resolveSpec({ metadata, spec: { mongodb: {}, redis: {}, ...change } })
  return findSecretProblems(resolved, new Map([['s', secret]]), now).map(
    ({ condition, reason, message }) => `${condition} ${reason}: ${message}`,
  )
}

test.each([
  ['one client', { oauth }, { clients: `shop:${hash}` }],
  ['two secrets of a client, with the line end of a file', { oauth }, { clients: `shop:${hash}\nshop:${hash}\n` }],
  ['a password of 72 bytes', { initialAdmin }, { password: 'p'.repeat(72) }],
] as const)('%s will do', (_, change, secret) => {
  expect(problemsOf(change, secret)).toEqual([])
})

const receivers = (name: string) => ({
  oidc: { enabled: true, backchannelLogout: { caSecretRef: { name, key: 'ca.crt' } } },
})
test('the CA of receivers of logout tokens is a certificate that servers accept', () => {
  const { 'ca.crt': ca = '' } = issueCertificate(['shop.shops.svc'], now)
  expect(problemsOf(receivers('s'), { 'ca.crt': ca })).toEqual([])
  expect(problemsOf(receivers('s'), { 'ca.crt': ca.repeat(200) })).toEqual([
    'SecretsReady CertificateInvalid: Key ca.crt of Secret s is longer than 65536 characters: keep only the CA certificates of the receivers.',
  ])
  expect(problemsOf(receivers('s'), { 'ca.crt': 'none' })).toEqual([
    'SecretsReady CertificateInvalid: Key ca.crt of Secret s contains no certificate: put the CA certificates there, in PEM.',
  ])
  expect(problemsOf(receivers('missing'), {})).toEqual([
    'SecretsReady SecretNotFound: Secret missing, named by spec.oidc.backchannelLogout.caSecretRef, does not exist: create it with key ca.crt, or correct the name.',
  ])
})

test.each([
  [
    'a client with its secret instead of the hash',
    { oauth },
    { clients: 'shop:secret' },
    'Key clients of Secret s is not a list of OAuth clients: write one line id:hash for each',
  ],
  [
    'a password that the server would refuse as too short',
    { initialAdmin },
    { password: 'elevenbytes' },
    'Key password of Secret s has 11 bytes, but a password must have 12 to 72: put another one there.',
  ],
  [
    'one that bcrypt would cut',
    { initialAdmin },
    { password: 'p'.repeat(73) },
    'Key password of Secret s has 73 bytes, but a password must have 12 to 72',
  ],
  [
    'credentials under another key',
    { mail },
    { username: 'mailer', password: 'secret', 'ca.crt': 'no certificate' },
    'named by spec.mail.smtp.credentialsSecretRef, has no value under key pass (its keys: ca.crt, password, username)',
  ],
] as const)('%s blocks the AuthService, with a message that does not show the value', (_, change, secret, says) => {
  const [problem = ''] = problemsOf(change, secret)
  expect(problem).toMatch(/^SecretsReady Secret(Invalid|KeyNotFound): /)
  expect(problem).toContain(says)
  expect(problem).not.toMatch(/shop:|pppp|elevenbytes/)
})

test.each([
  ['short', 'SigningSecretTooShort', 'has 40 bits, but a signing secret needs 256'],
  ['your-super-secret-jwt-key-change-this-in-production', 'SigningSecretWeak', 'is a well-known secret'],
  ['{"kty":"EC","crv":"P-256","x":"f83OJ3D2","y":"x_FEzRu9"}', 'SigningSecretWeak', 'is a PEM or JWK file'],
] as const)('the signing secret %s blocks the AuthService, as a server would refuse it', (value, reason, says) => {
  const tokens = { algorithm: 'HS256', signingKeys: { secretRef: { name: 's', key: 'secret' } } } as const
  const [problem = ''] = problemsOf({ tokens }, { secret: value })
  expect(problem).toContain(`${reason}: `)
  expect(problem).toContain(says)
  expect(problem).toContain('openssl rand -base64 48')
})

test('a chain in the wrong order is reported as such', () => {
  const { authority, certificate } = systemIssuer
  const issuer = authority(now)
  const leaf = certificate(['auth.example.com'], issuer, now)
  const tls = { secretName: 's' }
  const chain = `${issuer['tls.crt']}${leaf['tls.crt']}`
  const problems = problemsOf(
    { ingress: { type: 'Nginx', host: 'auth.example.com', tls } },
    { 'tls.crt': chain, 'tls.key': leaf['tls.key'] ?? '' },
  )
  expect(problems[0]).toContain(
    'the first certificate is that of a CA, but the certificate for auth.example.com must come first',
  )
})
