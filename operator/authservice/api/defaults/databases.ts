import type { Preset } from '../presets.ts'
import type { ResolvedMongoDb, ResolvedRedis, ResolvedStorage } from '../resolved-spec.ts'
import { volumeSizes } from '../spec/databases.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { orderedBounds } from './bounds.ts'
import { resolveResources } from './resources.ts'

export function resolveMongoDb(mongodb: AuthServiceSpec['mongodb'], preset: Preset['mongodb']): ResolvedMongoDb {
  const { external, managed, pool } = mongodb
  const bounds = orderedBounds(pool?.minSize, pool?.maxSize, preset.pool.minSize, preset.pool.maxSize)
  return {
    source: external
      ? { kind: 'external', urlSecretRef: external.urlSecretRef, caSecretRef: external.caSecretRef }
      : {
          kind: 'managed',
          storage: resolveStorage(managed?.storage, volumeSizes.mongodb),
          resources: resolveResources(managed?.resources, preset.managed.resources),
        },
    database: mongodb.database ?? preset.database,
    usersCollection: mongodb.usersCollection ?? preset.usersCollection,
    pool: { minSize: bounds.low, maxSize: bounds.high },
    readPreference: mongodb.readPreference ?? preset.readPreference,
  }
}

export function resolveRedis({ external, managed }: AuthServiceSpec['redis'], preset: Preset['redis']): ResolvedRedis {
  if (external) {
    const { tls } = external
    return {
      kind: 'external',
      host: external.host,
      port: external.port ?? 6379,
      passwordSecretRef: external.passwordSecretRef,
      tls: { enabled: tls !== undefined && (tls.enabled ?? true), caSecretRef: tls?.caSecretRef },
    }
  }
  return {
    kind: 'managed',
    storage: resolveStorage(managed?.storage, volumeSizes.redis),
    resources: resolveResources(managed?.resources, preset.managed.resources),
  }
}

type StorageSpec = NonNullable<AuthServiceSpec['redis']['managed']>['storage']

function resolveStorage(storage: StorageSpec, defaultSize: string): ResolvedStorage {
  return {
    size: storage?.size ?? defaultSize,
    storageClassName: storage?.storageClassName,
    ephemeral: storage?.ephemeral ?? false,
  }
}
