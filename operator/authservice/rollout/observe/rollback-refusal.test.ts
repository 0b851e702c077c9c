import { describe, expect, test } from 'vitest'
import type { ServerReport } from '../../model/observed-objects.ts'
import type { PodTemplate } from '../../model/revision.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { rollbackRefusal } from './rollback-refusal.ts'

const template = (mode?: string, rpID?: string, origins?: string): PodTemplate => {
  const variables = { MFA_MODE: mode, WEBAUTHN_RP_ID: rpID, WEBAUTHN_ORIGINS: origins }
  const env = Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]))
  return { metadata: { labels: {} }, spec: { containers: [{ name: 'server', env }] } }
}
const report = (usersHaveSecondFactors?: boolean, usersHavePasskeys?: boolean): ServerReport => ({
  problems: [],
  mongodb: { up: true },
  redis: { up: true },
  ...(usersHaveSecondFactors !== undefined && { usersHaveSecondFactors }),
  ...(usersHavePasskeys !== undefined && { usersHavePasskeys }),
})

function refusal(
  target: PodTemplate | undefined,
  reports: ServerReport[],
  annotations: Record<string, string> = {},
  passkeys?: { rpID: string; origins: string[] },
  clients = 0,
  identityProviders: { id: string; passwordLogin?: boolean }[] = [],
): string | undefined {
  // Nothing else of a snapshot is read.
  const snapshot = {
    authService: { metadata: { name: 'accounts', annotations } },
    resolved: { mfa: { passkeys }, identityProviders: identityProviders.map((entry) => ({ entry })) },
    oidcClients: { count: clients, content: '' },
    serverReports: new Map(reports.map((one, index) => [`accounts-blue-${index}`, one])),
  } as unknown as Snapshot
  const rollback = { named: '3', revision: 'abc', template: target }
  return rollbackRefusal(snapshot, rollback, (value) => ['3', 'abc'].includes(value))
}

describe('a rollback', () => {
  test('to a revision without second factors is refused while users have some, with what to do', () => {
    const expected =
      'Refused: revision abc has no second factors, and users have enrolled some. They would log in with their password alone. ' +
      'To return to it anyway, annotate with auth-operator.dev/allow-password-only=3, and request the rollback again.'
    expect(refusal(template(), [report(true)])).toBe(expected)
    expect(refusal(template('off'), [report(true)])).toBe(expected)
    expect(refusal(template(), [report(), report(true)]), 'one server that knows is enough').toBe(expected)
  })

  test('is not refused if nobody has one, or no server knows', () => {
    expect(refusal(template(), [report(false)])).toBeUndefined()
    expect(refusal(template(), [report()])).toBeUndefined()
    expect(refusal(template(), [])).toBeUndefined()
  })

  test('to a revision that asks for second factors is not refused', () => {
    expect(refusal(template('optional'), [report(true)])).toBeUndefined()
    expect(refusal(template('required'), [report(true)])).toBeUndefined()
  })

  test('is allowed by name, and only this one', () => {
    const allow = (value: string) => ({ 'auth-operator.dev/allow-password-only': value })
    expect(refusal(template(), [report(true)], allow('3'))).toBeUndefined()
    expect(refusal(template(), [report(true)], allow('2'))).toMatch(/^Refused/)
  })

  test('to a revision without passkeys of the domain is refused while users have some, unless it is allowed by name', () => {
    const passkeys = { rpID: 'example.com', origins: ['https://app.example.com', 'https://new.example.com'] }
    const origins = passkeys.origins.join()
    const rolledBack = (target: PodTemplate, users: ServerReport, annotations: Record<string, string> = {}) =>
      refusal(target, [report(), users], annotations, passkeys)
    const usersHaveSome = report(true, true)
    const expected =
      'Refused: revision abc has no passkeys of example.com, and users have added some. They could log in with their other factors only. ' +
      'To return to it anyway, annotate with auth-operator.dev/allow-without-passkeys=3, and request the rollback again.'
    expect(rolledBack(template('optional'), usersHaveSome)).toBe(expected)
    expect(rolledBack(template('optional', 'auth.example.com'), usersHaveSome), 'of another domain').toBe(expected)
    expect(rolledBack(template(), usersHaveSome), 'without any second factor').toMatch(/allow-password-only=3/)
    expect(rolledBack(template('optional', 'example.com', origins), usersHaveSome)).toBeUndefined()
    expect(
      rolledBack(template('optional', 'example.com', `${origins},https://a.example.com`), usersHaveSome),
    ).toBeUndefined()
    const elsewhere = rolledBack(template('optional', 'example.com', 'https://app.example.com'), usersHaveSome)
    expect(elsewhere).toBe(expected.replace('of example.com', 'at https://new.example.com'))
    expect(rolledBack(template('optional'), report(true, false))).toBeUndefined()
    const allow = (value: string) => ({ 'auth-operator.dev/allow-without-passkeys': value })
    expect(rolledBack(template('optional'), usersHaveSome, allow('3'))).toBeUndefined()
    expect(rolledBack(template('optional'), usersHaveSome, allow('2'))).toBe(expected)
    expect(refusal(template('optional'), [usersHaveSome]), 'passkeys are off anyway').toBeUndefined()
  })

  test('to a revision that is not stored is left to the rollout, which reports it', () => {
    expect(refusal(undefined, [report(true)])).toBeUndefined()
  })
})

describe('a rollback to a revision that is no OpenID provider', () => {
  const allowed = { 'auth-operator.dev/allow-without-openid-connect': '3' }
  const env = [{ name: 'OIDC_CLIENTS_FILE', value: '/etc/authservice/oidc-clients/clients.json' }]
  const provider: PodTemplate = { metadata: { labels: {} }, spec: { containers: [{ name: 'server', env }] } }

  test('is refused while AuthClients use it, with what to do', () => {
    expect(refusal(template(), [], {}, undefined, 2)).toBe(
      'Refused: revision abc is no OpenID provider, and 2 AuthClients use it. Users could not log in to these applications. ' +
        'To return to it anyway, annotate with auth-operator.dev/allow-without-openid-connect=3, and request the rollback again.',
    )
    expect(refusal(template(), [], allowed, undefined, 1)).toBeUndefined()
    expect(refusal(template(), [], {}, undefined, 0)).toBeUndefined()
    expect(refusal(provider, [], {}, undefined, 1)).toBeUndefined()
  })

  test('needs both permissions if users have second factors, too', () => {
    const passwordOnly = { 'auth-operator.dev/allow-password-only': '3' }
    expect(refusal(template(), [report(true)], allowed, undefined, 1)).toContain('allow-password-only')
    expect(refusal(template(), [report(true)], passwordOnly, undefined, 1)).toContain('allow-without-openid-connect')
    expect(refusal(template(), [report(true)], { ...passwordOnly, ...allowed }, undefined, 1)).toBeUndefined()
  })
})

describe('a rollback to servers that know no identity providers', () => {
  const strict = { id: 'corp', passwordLogin: false }
  const rolledBack = (target: PodTemplate, annotations: Record<string, string> = {}, providers = [strict]) =>
    refusal(target, [], annotations, undefined, 0, providers)

  test('is refused while the spec forbids the passwords of a domain, with what to do', () => {
    expect(rolledBack(template())).toBe(
      'Refused: revision abc knows no identity providers, and the spec has passwordLogin: false for corp. ' +
        'Users of their domains could log in with a password, also those who have left. ' +
        'To return to it anyway, annotate with auth-operator.dev/allow-password-login=3, and request the rollback again.',
    )
  })

  test('is allowed by name, and if every provider leaves passwords to the users', () => {
    expect(rolledBack(template(), { 'auth-operator.dev/allow-password-login': '3' })).toBeUndefined()
    expect(rolledBack(template(), { 'auth-operator.dev/allow-password-login': '2' })).toMatch(/^Refused/)
    expect(rolledBack(template(), {}, [{ ...strict, passwordLogin: true }])).toBeUndefined()
    expect(rolledBack(template(), {}, [])).toBeUndefined()
  })

  test('is no such rollback if its servers read the providers', () => {
    const env = [{ name: 'IDENTITY_PROVIDERS_FILE', value: '/etc/authservice/identity-providers/providers.json' }]
    const current: PodTemplate = { metadata: { labels: {} }, spec: { containers: [{ name: 'server', env }] } }
    expect(rolledBack(current)).toBeUndefined()
  })
})
