import { expect, test } from 'vitest'
import { type Kubectl, KubectlError } from '../kubectl.ts'
import type { AuthClientObject } from './client-list.ts'
import { clients } from './clients.ts'

function clientOf(namespace: string, name: string, ref: object, ready?: [status: string, message: string]) {
  const conditions = ready && [{ type: 'Ready', status: ready[0], message: ready[1] }]
  const object = {
    metadata: { namespace, name },
    spec: { authServiceRef: ref },
    status: { secretName: `${name}-credentials`, secretRotatedAt: '2026-12-01T12:00:00Z', conditions },
  }
  // Nothing else of an AuthClient is read.
  return object as unknown as AuthClientObject
}

const everywhere = [
  clientOf('shops', 'shop', { name: 'accounts', namespace: 'auth' }, ['False', 'Correct the spec.']),
  clientOf('auth', 'portal', { name: 'accounts' }, ['True', 'Users can log in.']),
  clientOf('auth', 'new', { name: 'accounts' }),
  clientOf('auth', 'of-another', { name: 'others' }, ['True', '']),
  clientOf('shops', 'of-another-namespace', { name: 'accounts' }, ['True', '']),
]

/** What the command prints. @param isForbidden whether the user may list one namespace only */
async function printed(isForbidden = false, json = false): Promise<string> {
  // The part of kubectl that the command uses.
  const kubectl = {
    get: async () => ({ metadata: { name: 'accounts', namespace: 'auth' } }),
    listEverywhere: async () => {
      if (isForbidden) throw new KubectlError('Error from server (Forbidden): authclients is forbidden')
      return everywhere
    },
    list: async () => everywhere.filter(({ metadata }) => metadata.namespace === 'auth'),
  } as unknown as Kubectl
  const lines: string[] = []
  const screen = { isTerminal: false, columns: 80, print: (text: string) => lines.push(text), repaint: () => {} }
  await clients('accounts', json, kubectl, screen)
  return lines.join('\n')
}

test('clients lists those of all namespaces that name the AuthService, and says what is wrong', async () => {
  expect(await printed()).toBe(
    [
      'CLIENT ID     READY     METHOD   SECRET               ROTATED                MESSAGE',
      'auth.new      Unknown   Secret   new-credentials      2026-12-01T12:00:00Z   No operator has handled it yet.',
      'auth.portal   True      Secret   portal-credentials   2026-12-01T12:00:00Z',
      'shops.shop    False     Secret   shop-credentials     2026-12-01T12:00:00Z   Correct the spec.',
    ].join('\n'),
  )
  expect(JSON.parse(await printed(false, true))).toHaveLength(3)
})

test('clients lists one namespace, and says so, for a user who may not list the others', async () => {
  const text = await printed(true)
  expect(text).toContain('Only clients in auth: you have no permission to list those of other namespaces.')
  expect(text).toContain('auth.portal')
  expect(text).not.toContain('shops.shop')
})
