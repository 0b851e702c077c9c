import type { ResolvedStorage } from '../../api/resolved-spec.ts'

/** The volume `data` of a StatefulSet: a PersistentVolumeClaim, or an emptyDir that is deleted with the pod. */
export function dataVolume({ size, storageClassName, ephemeral }: ResolvedStorage) {
  if (ephemeral) return { claims: {}, volumes: [{ name: 'data', emptyDir: { sizeLimit: size } }] }
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClassName !== undefined && { storageClassName }),
    },
  }
  return { claims: { volumeClaimTemplates: [claim] }, volumes: [] }
}
