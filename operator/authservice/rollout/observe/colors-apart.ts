import { type SharedState, sharedStates } from '@authservice-operator/contract/shared-state.ts'
import type { PodTemplate } from '../../model/revision.ts'
import { databaseServersAnnotation } from '../../resources/server/server.ts'

/** The part of the pod template of a server that determines what it shares with another one. */
interface ServerPod {
  containers?: readonly { name: string; env?: readonly { name: string; value?: string }[] }[]
  volumes?: readonly { name: string; secret?: object }[]
}

/** The inputs that make servers know the same users, accept the same tokens and receive the same revocations. */
const shared: Record<SharedState, { variables: readonly string[]; volume: string }> = {
  database: { variables: ['MONGODB_URL_FILE', 'DATABASE_NAME', 'COLLECTION_NAME'], volume: 'mongodb' },
  tokens: { variables: ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_KEYS_FILE', 'JWT_SECRET_FILE'], volume: 'keys' },
  redis: { variables: ['REDIS_HOST', 'REDIS_PORT', 'REDIS_KEY_PREFIX'], volume: '' },
}

/** What servers of these two templates do not share, so that a smoke test must not depend on it. */
export function unsharedStates(one: PodTemplate, other: PodTemplate): SharedState[] {
  return sharedStates.filter((state) => {
    const { variables, volume } = shared[state]
    const [servers, others] = [one, other].map(databaseServersOf)
    if (state === 'database' && servers !== undefined && others !== undefined) {
      // The same URL may be in another Secret, and another URL in the same one.
      const names = ['DATABASE_NAME', 'COLLECTION_NAME']
      const sharesServer = servers.some((server) => others.includes(server))
      return !sharesServer || JSON.stringify(readFrom(one, names, '')) !== JSON.stringify(readFrom(other, names, ''))
    }
    return JSON.stringify(readFrom(one, variables, volume)) !== JSON.stringify(readFrom(other, variables, volume))
  })
}

/** Hashes of the servers of an external MongoDB; undefined for a managed one, and for a template without them. */
function databaseServersOf({ metadata }: PodTemplate): string[] | undefined {
  return metadata.annotations?.[databaseServersAnnotation]?.split('.')
}

function readFrom(template: PodTemplate, variables: readonly string[], volume: string) {
  // `serverTemplate` created every template of a revision.
  const { containers = [], volumes = [] } = template.spec as ServerPod
  const env = containers.find(({ name }) => name === 'server')?.env ?? []
  return [
    ...variables.map((variable) => env.find(({ name }) => name === variable)?.value ?? null),
    volumes.find(({ name }) => name === volume)?.secret ?? null,
  ]
}
