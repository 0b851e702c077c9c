import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { AuthServiceSpec } from '../../../operator/authservice/api/schema.ts'

export interface BenchInput {
  namespace: string
  name: string
  host: string
  /** Where clients reach the edge. */
  edgePort: number
  /** The port of the nodes that it leads to. */
  edgeNodePort: number
  /** Secret with the edge's certificate. */
  certificateSecret: string
}

/** The old colour stays until the next scenario has gone back to it. */
export const blueGreen = { promotion: 'Auto', scaleDownDelaySeconds: 60 } as const

/**
 * What is rolled out: three servers as in staging, where every answer is logged, judged as in production. Cheaper hashes,
 * because cluster, servers and load share one small machine; limits that count by address are out of the way, since every
 * request comes from one.
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
