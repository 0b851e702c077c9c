import { type Kubectl, KubectlError } from '../kubectl.ts'
import { type Screen, table } from '../rollouts/commands.ts'
import { getAuthService } from '../rollouts/observed.ts'
import { type AuthClientObject, clientsOf, rowsOf } from './client-list.ts'

const kind = 'authclients.auth-operator.dev'

/** Lists the AuthClients of an AuthService in all namespaces; in its own, if the user may not list the others. */
export async function clients(name: string, json: boolean, kubectl: Kubectl, screen: Screen): Promise<void> {
  const { namespace } = (await getAuthService(name, kubectl)).metadata
  const { all, isPartial } = await listClients(kubectl)
  const found = clientsOf(all, { name, namespace })
  if (json) return screen.print(JSON.stringify(found))
  if (isPartial) screen.print(`Only clients in ${namespace}: you have no permission to list those of other namespaces.`)
  screen.print(found.length === 0 ? `AuthService ${name} has no clients.` : table(rowsOf(found)))
}

async function listClients(kubectl: Kubectl): Promise<{ all: AuthClientObject[]; isPartial: boolean }> {
  try {
    return { all: await kubectl.listEverywhere<AuthClientObject>(kind), isPartial: false }
  } catch (error) {
    if (!(error instanceof KubectlError && /\bForbidden\b/.test(error.message))) throw error
    return { all: await kubectl.list<AuthClientObject>(kind, {}), isPartial: true }
  }
}
