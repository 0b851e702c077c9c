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
  expect(refusal?.reason).toBe('NamespaceNotAllowed')
  for (const authService of hidden) {
    expect(refusalOf(client, authService)).toEqual(refusal)
    const outcome = { kind: 'stalled' as const, reason: 'NamespaceNotAllowed' as const, message: '' }
    const decision = { outcome, credentials: undefined, removesSecret: false, nextChangeAt: undefined }
    expect(statusOf(client, authService, decision, new Date())).not.toHaveProperty('issuer')
  }
})
