import { expect, test } from 'vitest'
import { resolveSpec } from './api/defaults.ts'
import type { AuthServiceSpec } from './api/schema.ts'
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

test.each([
  [
    'a client with its secret instead of the hash',
    { oauth },
    { clients: 'shop:secret' },
    'Key clients of Secret s is no list of OAuth clients: write id:hash for each, one a line',
  ],
  [
    'a password that the server would refuse as too short',
    { initialAdmin },
    { password: 'elevenbytes' },
    'Key password of Secret s has 11 bytes, and a password has 12 to 72: put another one there.',
  ],
  [
    'one that bcrypt would cut',
    { initialAdmin },
    { password: 'p'.repeat(73) },
    'Key password of Secret s has 73 bytes, and a password has 12 to 72',
  ],
  [
    'credentials under another key',
    { mail },
    { username: 'mailer', password: 'secret', 'ca.crt': 'no certificate' },
    'named by spec.mail.smtp.credentialsSecretRef, has no value under key pass (its keys: ca.crt, password, username)',
  ],
] as const)('%s stalls, with a sentence and without the value', (_, change, secret, says) => {
  const [problem = ''] = problemsOf(change, secret)
  expect(problem).toMatch(/^SecretsReady Secret(Invalid|KeyNotFound): /)
  expect(problem).toContain(says)
  expect(problem).not.toMatch(/shop:|pppp|elevenbytes/)
})
