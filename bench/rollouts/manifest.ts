import { apiVersion, kind } from '../../operator/authservice/api/group.ts'
import type { AuthServiceSpec } from '../../operator/authservice/api/schema.ts'
import { specUnderLoad } from '../load-target.ts'

export interface BenchInput {
  namespace: string
  name: string
  host: string
  /** The port on 127.0.0.1 where clients reach the edge. */
  edgePort: number
  /** The node port that it leads to. */
  edgeNodePort: number
}

/** The old colour stays long enough for the next scenario to roll back to it. */
export const blueGreen = { promotion: 'Auto', scaleDownDelaySeconds: 60 } as const

/**
 * Three servers with the presets of staging, which log every response, and the analysis of production.
 */
export function manifest({ namespace, name, host, edgePort, edgeNodePort }: BenchInput) {
  const spec: AuthServiceSpec = {
    environment: 'staging',
    replicas: 3,
    autoscaling: { enabled: false },
    rollout: {
      strategy: 'BlueGreen',
      minReadySeconds: 1,
      progressDeadlineSeconds: 120,
      blueGreen,
      smokeTest: { enabled: true, timeoutSeconds: 60 },
      analysis: { enabled: true, windowSeconds: 10, minRequests: 20, maxP99LatencyMilliseconds: 1_000 },
    },
    mongodb: { managed: { storage: { ephemeral: true } } },
    redis: { managed: { storage: { ephemeral: true } } },
    tokens: { issuer: `https://${host}:${edgePort}`, audience: 'bench', signingKeys: { activationDelay: '90s' } },
    ...specUnderLoad(host, edgeNodePort),
  }
  return { apiVersion, kind, metadata: { name, namespace }, spec }
}
