import { beforeAll, describe, expect, test } from 'vitest'
import type { Child } from '../../../operator/authservice/resources/render-input.ts'
import { KubeError } from '../../../operator/kube/errors.ts'
import type { KubernetesObject } from '../../../operator/kube/objects.ts'
import { apiClient, apiTransport, namespaces } from '../support/kube-api.ts'
import { samples } from './rendered-samples.ts'

/** A namespace whose API server refuses every pod that does not meet the level restricted. */
const namespace = `restricted-${Date.now()}`
beforeAll(async () => {
  const labels = {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/enforce-version': 'latest',
  }
  await apiClient().create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } })
})

interface PodTemplate {
  metadata?: { labels?: Record<string, string> }
  spec: { containers: { securityContext?: object }[]; volumes?: object[] }
}
type Workload = Child & {
  spec: {
    volumeClaimTemplates?: { metadata: { name: string } }[]
    template?: PodTemplate
    jobTemplate?: { spec: { template: PodTemplate } }
    selector?: unknown
  }
}

/** The pods that a child starts. The API server only warns about a Deployment with forbidden pods. */
function podsOf(children: readonly Child[]): { of: string; template: PodTemplate }[] {
  return children.flatMap((child) => {
    if (!['Deployment', 'StatefulSet', 'Job', 'CronJob'].includes(child.kind)) return []
    // Each of these kinds has its template in one of the two places.
    const { spec } = child as Workload
    const template = spec.template ?? spec.jobTemplate?.spec.template
    if (template === undefined) return []
    // The StatefulSet controller adds this.
    const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata: { name } }) => ({
      name,
      persistentVolumeClaim: { claimName: name },
    }))
    const pod = { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] }
    return [{ of: `${child.kind} ${child.metadata.name}`, template: { ...template, spec: pod } }]
  })
}

/** Sends the pod to the API server as a dry run. @returns its refusal; undefined when it accepts */
async function refusalOf({ metadata, spec }: PodTemplate): Promise<string | undefined> {
  const body: KubernetesObject & { spec: object } = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: 'tried', namespace },
    spec: { restartPolicy: 'Always', ...spec },
  }
  const path = `/api/v1/namespaces/${namespace}/pods`
  try {
    await apiTransport().json({ method: 'POST', path, query: { dryRun: 'All' }, body })
    return undefined
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    return error.message
  }
}

describe.each(samples)('of $file', ({ children }) => {
  test('every pod meets the Pod Security level restricted', async () => {
    const pods = podsOf(await children())
    expect(pods.length).toBeGreaterThanOrEqual(2)
    const refusals = await Promise.all(
      pods.map(async ({ of, template }) => ({ of, refusal: await refusalOf(template) })),
    )
    expect(refusals.filter(({ refusal }) => refusal !== undefined)).toEqual([])
  })
})

test('the API server refuses a pod that does not meet it', async () => {
  const [sample] = samples
  const [pod] = podsOf((await sample?.children()) ?? [])
  if (pod === undefined) throw new Error('the first sample has no pod')
  const [container] = pod.template.spec.containers
  const containers = [{ ...container, securityContext: {} }]
  expect(await refusalOf({ ...pod.template, spec: { ...pod.template.spec, containers } })).toMatch(
    /violates PodSecurity "restricted:latest"/,
  )
})
