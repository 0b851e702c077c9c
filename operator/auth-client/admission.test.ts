import { expect, test } from 'vitest'
import { resolveSpec } from '../authservice/api/defaults.ts'
import type { AuthServiceSpec } from '../authservice/api/schema.ts'
import { refusalOf } from './admission.ts'
import type { AuthClient } from './api/schema.ts'
import { statusOf } from './client-status.ts'

const resolved = (oidc: AuthServiceSpec['oidc']) =>
  resolveSpec({
    metadata: { name: 'accounts', namespace: 'auth' },
    spec: { mongodb: {}, redis: {}, tokens: { issuer: 'https://auth.example.com' }, ...(oidc && { oidc }) },
  })
const client: AuthClient = {
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthClient',
  metadata: { name: 'shop', namespace: 'shops', uid: 'u-1', generation: 1 },
  spec: { authServiceRef: { name: 'accounts', namespace: 'auth' }, redirectUris: ['https://shop.example.com/'] },
}

test('a client that is not admitted learns neither whether the AuthService exists nor its issuer', () => {
  const others = { enabled: true, clientNamespaces: { from: 'Names' as const, names: ['support'] } }
  const hidden = [undefined, resolved({}), resolved(others)]
  const [refusal] = hidden.map((authService) => refusalOf(client, authService))
  expect(refusal).toEqual({
    reason: 'NamespaceNotAllowed',
    message:
      'AuthService auth/accounts does not exist, or does not accept clients of the namespace shops. Add shops to oidc.clientNamespaces.names in its spec, with from: Names, beside oidc.enabled: true, or correct spec.authServiceRef.',
  })
  for (const authService of hidden) {
    expect(refusalOf(client, authService)).toEqual(refusal)
    const outcome = { kind: 'stalled' as const, reason: 'NamespaceNotAllowed' as const, message: '' }
    const decision = { outcome, credentials: undefined, removesSecret: false, nextChangeAt: undefined }
    expect(statusOf(client, authService, decision, new Date())).not.toHaveProperty('issuer')
  }
})

test('a client without authServiceRef.namespace learns where the AuthService is looked for, and how to name another namespace', () => {
  const local: AuthClient = { ...client, spec: { ...client.spec, authServiceRef: { name: 'accounts' } } }
  expect(refusalOf(local, undefined)).toEqual({
    reason: 'AuthServiceNotFound',
    message:
      'AuthService shops/accounts does not exist, or the operator does not watch its namespace. Create it, or correct spec.authServiceRef: if it is in another namespace, set spec.authServiceRef.namespace.',
  })
})
