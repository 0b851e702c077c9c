import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Resource } from '../../../operator/kube/objects.ts'
import type { Operator } from '../../../operator/operator.ts'
import { clientAt } from '../support/kube-api.ts'
import { authServiceManifest, developmentSpec, type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet, untilReconciled, writesOf } from '../support/operator-under-test.ts'
import { endSmokeTest, followServices, makeEverythingAvailable, untilReady } from '../support/simulated-controllers.ts'

/** The changes that admission policies, and webhooks that inject sidecars, make to children, all at once. */
const { kubeconfigPath } = inject('apiServer')
const admission = 'admissionregistration.k8s.io/v1'
const policies: Resource = {
  apiVersion: admission,
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  namespaced: false,
}
const bindings: Resource = {
  apiVersion: admission,
  kind: 'MutatingAdmissionPolicyBinding',
  namespaced: false,
  plural: 'mutatingadmissionpolicybindings',
}
const validating: Resource = {
  apiVersion: admission,
  kind: 'ValidatingAdmissionPolicy',
  namespaced: false,
  plural: 'validatingadmissionpolicies',
}
const validatingBindings: Resource = {
  apiVersion: admission,
  kind: 'ValidatingAdmissionPolicyBinding',
  namespaced: false,
  plural: 'validatingadmissionpolicybindings',
}
const quotas: Resource = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true }
const client = clientAt(kubeconfigPath)
const patient = { timeout: 60_000, interval: 300 }
let namespace: Namespace
let operator: Operator | undefined
const made: string[] = []

const apps = { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments', 'statefulsets'] }
const jobs = { apiGroups: ['batch'], apiVersions: ['v1'], resources: ['jobs'] }
const everything = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }
const always = ['CREATE', 'UPDATE']
const inPod = (fields: string) =>
  `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{${fields}}}}}`
const inContainers = (fields: string) =>
  inPod(
    `containers: object.spec.template.spec.containers.map(c, Object.spec.template.spec.containers{name: c.name, ${fields}})`,
  )

const meshLabel = 'sidecar.istio.io/inject'

const mutations: [name: string, resources: object, operations: string[], expression: string][] = [
  [
    'label',
    everything,
    always,
    'Object{metadata: Object.metadata{labels: {"app.kubernetes.io/part-of": "platform", "cost-centre": "42"}, annotations: {"scanned": "yes"}}}',
  ],
  ['pull-policy', apps, always, inContainers('imagePullPolicy: "Always"')],
  [
    'mirror',
    apps,
    always,
    inContainers(
      'image: c.image.startsWith("mirror.example.com/") ? c.image : "mirror.example.com/" + c.image.split("/")[1]',
    ),
  ],
  [
    'resources',
    apps,
    always,
    inContainers('resources: Object.spec.template.spec.containers.resources{requests: {"cpu": "7m"}}'),
  ],
  [
    'security',
    apps,
    always,
    inPod('securityContext: Object.spec.template.spec.securityContext{fsGroup: 4242}, hostname: "policed"'),
  ],
  [
    'sidecar',
    apps,
    always,
    inPod('containers: [Object.spec.template.spec.containers{name: "proxy", image: "example.com/proxy:1"}]'),
  ],
  ['job', jobs, ['CREATE'], inContainers('imagePullPolicy: "Always"')],
  [
    'job-sidecar',
    jobs,
    ['CREATE'],
    // As in a mesh: a label excludes a pod.
    `object.spec.template.?metadata.?labels[?"${meshLabel}"].orValue("") == "false" ? Object{} : ` +
      inPod('containers: [Object.spec.template.spec.containers{name: "proxy", image: "example.com/proxy:1"}]'),
  ],
]

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `policies-${Date.now()}`)
  for (const [name, resources, operations, expression] of mutations)
    await addPolicy(name, resources, operations, expression)
  await untilInForce()
  operator = startOperator(kubeconfigPath, namespace)
}, 120_000)
afterAll(async () => {
  await operator?.stop()
  for (const name of made) await client.delete(bindings, { name })
  for (const name of made) await client.delete(policies, { name })
})

function running(): Operator {
  if (operator === undefined) throw new Error('the operator did not start')
  return operator
}

async function addPolicy(what: string, resources: object, operations: string[], expression: string): Promise<void> {
  const name = `${namespace.name}-${what}`
  const selector = { matchLabels: { 'kubernetes.io/metadata.name': namespace.name } }
  const policy = {
    apiVersion: policies.apiVersion,
    kind: policies.kind,
    metadata: { name },
    spec: {
      matchConstraints: {
        namespaceSelector: selector,
        resourceRules: [{ ...resources, operations }],
      },
      // The operator's own resource, and events, are not children.
      matchConditions: [
        { name: 'children', expression: `!(object.kind in ["${kind}", "Event", "Lease", "Namespace"])` },
      ],
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    },
  }
  const binding = {
    apiVersion: bindings.apiVersion,
    kind: bindings.kind,
    metadata: { name },
    spec: { policyName: name },
  }
  await client.create(policies, policy)
  await client.create(bindings, binding)
  made.push(name)
}

/** A policy takes effect some time after it was written. */
async function untilInForce(): Promise<void> {
  const template = {
    metadata: { labels: { app: 'probe' } },
    spec: { containers: [{ name: 'probe', image: 'docker.io/probe:1' }] },
  }
  const probe = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'probe' } }
  const spec = { selector: { matchLabels: { app: 'probe' } }, template }
  const job = { apiVersion: 'batch/v1', kind: 'Job' }
  const jobSpec = { template: { spec: { ...template.spec, restartPolicy: 'Never' } } }
  let count = 0
  await vi.waitFor(
    async () => {
      await namespace.apply({ ...probe, spec })
      const name = `probe-${count++}`
      await namespace.apply({ ...job, metadata: { name }, spec: jobSpec })
      const all = JSON.stringify([await namespace.get('Deployment', 'probe'), await namespace.get('Job', name)])
      await namespace.remove('Job', name)
      for (const mark of ['policed', '4242', 'mirror.example.com', '"7m"', 'cost-centre']) expect(all).toContain(mark)
      expect(all.split('example.com/proxy:1'), 'a sidecar in each').toHaveLength(3)
    },
    { timeout: 60_000, interval: 500 },
  )
  await namespace.remove('Deployment', 'probe')
}

/** A policy that rejects the workloads of one AuthService, and a used-up quota. */
async function refuseSome(): Promise<void> {
  const name = `${namespace.name}-refusing`
  const policy = {
    apiVersion: validating.apiVersion,
    kind: validating.kind,
    metadata: { name },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace.name } },
        resourceRules: [{ ...apps, operations: always }],
      },
      validations: [
        { expression: '!object.metadata.name.startsWith("refused")', message: 'no workloads of this team here' },
      ],
    },
  }
  await client.create(validating, policy)
  await client.create(validatingBindings, {
    apiVersion: validatingBindings.apiVersion,
    kind: validatingBindings.kind,
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  })
  const quota = { namespace: namespace.name, name: 'no-services' }
  const hard = { 'count/services': '0' }
  await client.create(quotas, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: quota, spec: { hard } })
  // The usage that the quota controller would count.
  await client.mergePatch(quotas, { ...quota, subresource: 'status' }, { status: { hard, used: hard } })
  const probe = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'refused-probe' },
    spec: {
      selector: { matchLabels: { app: 'probe' } },
      template: {
        metadata: { labels: { app: 'probe' } },
        spec: { containers: [{ name: 'probe', image: 'a/probe:1' }] },
      },
    },
  }
  const isInForce = () => namespace.apply(probe).then(() => 'taken', String)
  await expect.poll(isInForce, { timeout: 60_000, interval: 500 }).toContain('no workloads of this team')
}

async function allowAll(): Promise<void> {
  await client.delete(validatingBindings, { name: `${namespace.name}-refusing` })
  await client.delete(validating, { name: `${namespace.name}-refusing` })
  await client.delete(quotas, { namespace: namespace.name, name: 'no-services' })
}

test('with policies that change its writes, an AuthService becomes ready, and each field is reported once', {
  timeout: 180_000,
}, async () => {
  const ingress = { type: 'Nginx', host: 'auth.localhost' }
  const spec = { ...developmentSpec, ingress, rollout: { analysis: { enabled: false } } }
  await namespace.apply(authServiceManifest('policed', spec))
  await untilReady(namespace, 'policed', patient)
  expect(await namespace.condition('policed', 'Stalled')).toMatch(/^False/)
  const deployment = JSON.stringify(await namespace.get('Deployment', 'policed-blue'))
  expect(deployment, 'the policy has its way').toMatch(/mirror\.example\.com.*example\.com\/proxy:1|proxy:1.*mirror/)

  const server = await namespace.condition('policed', 'WorkloadAvailable')
  const kept = 'An admission policy keeps spec.template.spec.'
  expect(server).toContain(
    `${kept}containers[server].image at mirror.example.com/api-server:0.1.0 (Deployment policed-blue).`,
  )
  expect(server).toContain(`${kept}containers[server].resources.requests.cpu at 7m (Deployment policed-blue).`)
  expect(await namespace.condition('policed', 'RedisReady')).toContain(
    `${kept}containers[redis].imagePullPolicy at Always`,
  )
  await untilQuiet(running())
  const told = (await namespace.events('policed')).filter((event) => event.includes('KeptByPolicy'))
  const oneOf = (field: string) => told.filter((event) => event.includes(` keeps ${field} at `))
  for (const field of [
    'metadata.labels["app.kubernetes.io/part-of"]',
    'spec.template.spec.containers[server].image',
    'spec.template.spec.containers[nginx].imagePullPolicy',
    'spec.template.spec.containers[migrate].imagePullPolicy',
    'spec.template.spec.securityContext.fsGroup',
  ])
    expect(oneOf(field), field).toHaveLength(1)
  expect((await namespace.events('policed')).filter((event) => event.includes('DriftCorrected'))).toEqual([])
})

test('the operator does not fight: further reconciles write nothing and report nothing', {
  timeout: 120_000,
}, async () => {
  await untilQuiet(running())
  const events = await namespace.events('policed')
  const before = await writesOf(running())
  for (const looked of ['once', 'twice', 'again'])
    await untilReconciled(running(), () => namespace.patch(kind, 'policed', { metadata: { annotations: { looked } } }))
  expect(await writesOf(running())).toBe(before)
  expect(await namespace.events('policed')).toEqual(events)
})

test('an edit of another field is reverted, and reported alone', { timeout: 120_000 }, async () => {
  const labels = async () => (await namespace.get('Deployment', 'policed-edge'))?.metadata.labels
  const label = 'app.kubernetes.io/name'
  await namespace.patch('Deployment', 'policed-edge', { metadata: { labels: { [label]: 'edited' } } })
  await expect.poll(labels).toMatchObject({ [label]: 'authservice' })
  const drift = async () => (await namespace.events('policed')).filter((event) => event.includes('DriftCorrected'))
  const reported = [
    'Normal DriftCorrected: Deployment policed-edge: restored metadata.labels["app.kubernetes.io/name"], which a-user changed',
  ]
  await expect.poll(drift).toEqual(reported)
  await untilQuiet(running())
  expect(await drift()).toEqual(reported)
})

test('Jobs stay out of a mesh by spec.jobs.labels, and no server pod is replaced', { timeout: 120_000 }, async () => {
  const migrations = async () =>
    (await namespace.list('Job')).filter(({ metadata }) => metadata.name.startsWith('policed-migrate-'))
  const servers = async () => (await namespace.get<Live>('Deployment', 'policed-blue'))?.['spec']
  const before = await servers()
  expect(JSON.stringify(await migrations()), 'the mesh has its way').toContain('example.com/proxy:1')

  await namespace.patch(kind, 'policed', { spec: { jobs: { labels: { [meshLabel]: 'false' } } } })
  await expect
    .poll(async () => JSON.stringify(await migrations()), { timeout: 60_000 })
    .toMatch(/^(?!.*example\.com\/proxy:1).*"migrate"/)
  await untilReady(namespace, 'policed', patient)
  await untilQuiet(running())
  expect(before).toBeDefined()
  expect(await servers()).toEqual(before)
})

test('rejections by a policy and a quota are each reported once, with the error message', {
  timeout: 120_000,
}, async () => {
  await refuseSome()
  await namespace.apply(authServiceManifest('refused'))
  const stalled = () => namespace.condition('refused', 'Stalled')
  await expect.poll(stalled, { timeout: 30_000 }).toMatch(/^True ApplyRefused/)
  // Further reconciles report nothing new.
  for (const looked of ['once', 'twice'])
    await untilReconciled(running(), () => namespace.patch(kind, 'refused', { metadata: { annotations: { looked } } }))
  expect(await stalled()).toContain('exceeded quota: no-services')
  expect(await stalled()).toContain('no workloads of this team here')
  expect(await namespace.condition('refused', 'Ready')).toMatch(/^False ApplyRefused/)
  const refusals = (await namespace.events('refused')).filter((event) => event.includes('ApplyRefused'))
  expect(refusals.map((refusal) => refusal.slice(0, 200))).toHaveLength(1)
  expect(refusals[0]).toMatch(/^Warning ApplyRefused: .*(exceeded quota: no-services|no workloads of this team here)/)
  await allowAll()
})

test('a new revision rolls out despite the policies, pod by pod and by colours, and is not rolled back', {
  timeout: 180_000,
}, async () => {
  const goesOut = async (change: object) => {
    const status = async () => (await namespace.authService('policed')).status
    const first = (await status())?.currentRevision
    await namespace.patch(kind, 'policed', { spec: change })
    const gone = async () => {
      await makeEverythingAvailable(namespace)
      await followServices(namespace)
      await endSmokeTest(namespace, true, 'all steps passed')
      return status()
    }
    const promoted = { currentRevision: expect.not.stringMatching(first ?? ''), rollout: { lastOutcome: 'Promoted' } }
    await expect.poll(gone, { timeout: 60_000, interval: 300 }).toMatchObject(promoted)
    await untilReady(namespace, 'policed', patient)
    expect((await status())?.rollout?.failure).toBeUndefined()
  }
  await goesOut({ logs: { level: 'Warn' } })
  await goesOut({
    logs: { level: 'Error' },
    rollout: { strategy: 'BlueGreen', smokeTest: { enabled: true }, blueGreen: { scaleDownDelaySeconds: 1 } },
  })
  const green = JSON.stringify(await namespace.get('Deployment', 'policed-green'))
  expect(green, 'the policies have their way with it, too').toMatch(/mirror\.example\.com/)
  await untilQuiet(running())
  const told = (await namespace.events('policed')).filter((event) => event.includes('KeptByPolicy'))
  expect(new Set(told).size, 'each field once').toBe(told.length)
})

test('after a policy is removed, the operator restores its fields at the next check', {
  timeout: 120_000,
}, async () => {
  for (const name of made) await client.delete(bindings, { name })
  const image = async () => {
    // Another desired state is another write, whatever is known about policies.
    await namespace.patch(kind, 'policed', { spec: { pod: { annotations: { at: String(performance.now()) } } } })
    await makeEverythingAvailable(namespace)
    return JSON.stringify((await namespace.get<Live>('Deployment', 'policed-blue'))?.['spec'])
  }
  await expect.poll(image, { timeout: 60_000, interval: 2_000 }).toContain('"image":"example.com/api-server:0.1.0"')
})

test('a rejected child is created automatically once nothing rejects it any more', { timeout: 120_000 }, async () => {
  await untilReady(namespace, 'refused', patient)
  expect(await namespace.condition('refused', 'Stalled')).toMatch(/^False/)
})
