import type { AuthClient } from '@authservice-operator/operator/auth-client/api/schema.ts'
import type { KubeObject } from '../kubectl.ts'

/** An AuthClient as kubectl returns it. */
export type AuthClientObject = AuthClient & KubeObject

/** The clients that name an AuthService, by their client IDs. */
export function clientsOf(
  clients: readonly AuthClientObject[],
  authService: { namespace: string | undefined; name: string },
): AuthClientObject[] {
  return clients
    .filter(({ metadata, spec: { authServiceRef: ref } }) => {
      return ref.name === authService.name && (ref.namespace ?? metadata.namespace) === authService.namespace
    })
    .sort((one, other) => (idOf(one) < idOf(other) ? -1 : 1))
}

function idOf({ metadata }: AuthClientObject): string {
  return `${metadata.namespace}.${metadata.name}`
}

/** The rows of a table for people; the first one has the titles. */
export function rowsOf(clients: readonly AuthClientObject[]): string[][] {
  return [
    ['CLIENT ID', 'READY', 'METHOD', 'SECRET', 'ROTATED', 'MESSAGE'],
    ...clients.map((client) => {
      const { spec, status } = client
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')
      return [
        idOf(client),
        ready?.status ?? 'Unknown',
        spec.authentication?.method ?? 'Secret',
        status?.secretName ?? '-',
        status?.secretRotatedAt ?? '-',
        ready === undefined ? 'No operator has handled it yet.' : ready.status === 'True' ? '' : ready.message,
      ]
    }),
  ]
}
