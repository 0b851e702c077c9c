import { apiVersion, kind } from '../../operator/authservice/api/group.ts'
import type { AuthServiceSpec } from '../../operator/authservice/api/schema.ts'

export interface BenchInput {
  namespace: string
  name: string
  host: string
  /** The port on 127.0.0.1 where clients reach the edge. */
  edgePort: number
  /** The node port that it leads to. */
  edgeNodePort: number
  /** The Secret with the edge's certificate. */
  certificateSecret: string
}

/** The old colour stays long enough for the next scenario to roll back to it. */
export const blueGreen = { promotion: 'Auto', scaleDownDelaySeconds: 60 } as const

/**
 * Three servers with the presets of staging, which log every answer, and the analysis of production. Hashes are cheaper,
 * because cluster, servers and load share one small machine. Rate limits per address are high, since all requests come
 * from one address.
 */
export function manifest({ namespace, name, host, edgePort, edgeNodePort, certificateSecret }: BenchInput) {
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
    passwords: { bcryptCost: 10 },
    rateLimits: { perClient: '10000/s', burst: 1_000, login: '6000/m', register: '6000/m', refresh: '6000/m' },
    ingress: {
      type: 'Nginx',
      host,
      tls: { secretName: certificateSecret },
      nginx: { serviceType: 'NodePort', nodePort: edgeNodePort },
    },
  }
  return { apiVersion, kind, metadata: { name, namespace }, spec }
}
