import type { Workload } from './health.ts'
import type { Manifest } from './manifest.ts'

/**
 * The part of an apps/v1 Deployment that decisions read. The fields of its pod template are those that the operator
 * writes.
 */
export type Deployment = Manifest &
  Workload & {
    spec?: {
      template?: {
        metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
        spec?: {
          containers?: { name: string; env?: { name: string; value?: string }[] }[]
          volumes?: { name: string; secret?: { secretName?: string } }[]
        }
      }
    }
    status?: { updatedReplicas?: number }
  }
