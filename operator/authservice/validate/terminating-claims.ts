import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Finding } from '../model/finding.ts'
import { podsOf, type Snapshot } from '../model/snapshot.ts'

/** The claims whose loss is a loss of data: that of a managed MongoDB, and that of the backups. */
export function claimsOf(authService: string, { mongodb, backup }: ResolvedSpec): string[] {
  const isManaged = mongodb.source.kind === 'managed' && !mongodb.source.storage.ephemeral
  return [...(isManaged ? [databaseClaim(authService)] : []), ...(backup === undefined ? [] : [backup.claimName])]
}

/** The claim that the StatefulSet of a managed MongoDB creates. */
export function databaseClaim(authService: string): string {
  return `data-${authService}-mongodb-0`
}

/**
 * What a user must know before the pod terminates: a deletion cannot be undone, but the volume can be kept.
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
 */
export function findTerminatingClaims(
  snapshot: Pick<Snapshot, 'authService' | 'terminatingClaims' | 'pods'>,
): Finding[] {
  const { name: authService, namespace } = snapshot.authService.metadata
  return snapshot.terminatingClaims.map(({ name, volume }) => {
    const isDatabase = name === databaseClaim(authService)
    const pods = podsOf(snapshot, isDatabase ? 'mongodb' : 'backup').filter(({ status }) => status?.phase === 'Running')
    const users = pods.map(({ metadata }) => metadata.name).join(' and ')
    const keep =
      volume === undefined
        ? ''
        : ` To keep the data, first: kubectl patch pv ${volume} -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'.`
    const until = users === '' ? 'is being deleted' : `is being deleted and remains until pod ${users} stops using it`
    const next =
      users === '' || !isDatabase
        ? ''
        : ` Then kubectl delete pod -n ${namespace} ${users}: it returns with an empty volume, which the operator migrates and which you can restore a backup to.`
    return {
      kind: 'warning',
      condition: isDatabase ? 'MongoDBReady' : 'ProductionReady',
      reason: 'VolumeTerminating',
      message: `PersistentVolumeClaim ${name} ${until}: its data will be lost.${keep}${next}`,
    }
  })
}
